/**
 * Kills 4 of 16 processes with SIGKILL and measures until the survivors name the right owner of each of 1,000 keys.
 *
 *   node bench/recovery/kill.mjs [--picks 20] [--seed 1] [--json]
 *
 * Each pick has a fresh ring. The first kills 4 neighbours, the second the contact that all joined through with 3
 * others, the third the contact and its 3 successors; the others are random. The time runs from the first kill to the
 * end of the first round of 1,000 look-ups with no wrong answer; rounds follow each other without a pause.
 */
import { parseArgs } from 'node:util'
import { spawnMembers, startRing, untilCorrect, wrongAnswers } from '../../test/support/members.mjs'
import { pick, randomFrom } from '../lib/random.mjs'
import { summary } from '../lib/stats.mjs'
import { figure, table } from '../lib/table.mjs'
import { busyBefore } from '../lib/watch.mjs'

const PROCESSES = 16
const VICTIMS = 4
const KEYS = 1_000
const TARGET_MS = 1_000
const GIVE_UP_MS = 30_000

const { values: flags } = parseArgs({
  options: {
    picks: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const random = randomFrom(Number(flags.seed))
const machine = busyBefore()
const runs = []
for (let i = 0; i < Number(flags.picks); i++) {
  runs.push(await run(i))
  if (!flags.json) console.error(`pick ${i + 1}: ${describe(runs[i])}`)
}
report(runs)

async function run(index) {
  const members = await spawnMembers(PROCESSES)
  try {
    await startRing(members, {})
    await untilCorrect(members, GIVE_UP_MS)
    const keys = Array.from({ length: KEYS }, (_, k) => `pick ${index} key ${k}`)
    if ((await wrongLookups(members, keys)).total > 0) throw new Error('look-ups went wrong before anybody was killed')
    const { kind, victims } = choose(index, members)
    const survivors = members.filter((member) => !victims.includes(member))
    const killedMs = performance.now()
    for (const victim of victims) victim.kill()
    return { kind, ...(await untilRight(survivors, keys, killedMs)) }
  } finally {
    for (const member of members) member.kill()
  }
}

function choose(index, members) {
  const contact = members[0]
  const inRing = [...members].sort((a, b) => (a.ids[0] < b.ids[0] ? -1 : 1))
  const neighbours = (from) => Array.from({ length: VICTIMS }, (_, i) => inRing[(from + i) % PROCESSES])
  switch (index) {
    case 0:
      return { kind: '4 neighbours', victims: neighbours(Math.floor(random() * PROCESSES)) }
    case 1:
      return { kind: 'the contact and 3 others', victims: [contact, ...pick(random, members.slice(1), VICTIMS - 1)] }
    case 2:
      return { kind: 'the contact and its 3 successors', victims: neighbours(inRing.indexOf(contact)) }
    default:
      return { kind: 'random', victims: pick(random, members, VICTIMS) }
  }
}

async function untilRight(survivors, keys, killedMs) {
  const rounds = []
  for (;;) {
    rounds.push(await wrongLookups(survivors, keys))
    const elapsedMs = performance.now() - killedMs
    if (rounds.at(-1).total === 0) {
      const after = await wrongLookups(survivors, keys)
      if (after.total === 0) return { elapsedMs, rounds }
      rounds.push(after)
    }
    if (elapsedMs > GIVE_UP_MS) return { elapsedMs: Number.POSITIVE_INFINITY, rounds }
  }
}

/** How many answers are wrong, and what they are. */
async function wrongLookups(members, keys) {
  const answers = await wrongAnswers(members, keys, 5_000)
  const kinds = {}
  for (const answer of answers) kinds[answer] = (kinds[answer] ?? 0) + 1
  return { total: answers.length, kinds }
}

function describe({ kind, elapsedMs, rounds }) {
  return `${kind}: right after ${figure(elapsedMs)} ms, wrong by round ${wrongByRound(rounds)}`
}

function wrongByRound(rounds) {
  const kinds = (round) => Object.entries(round.kinds).map(([kind, count]) => `${count} × ${kind}`)
  return rounds.map((round) => (round.total === 0 ? '0' : kinds(round).join(', '))).join('; ')
}

function report(runs) {
  const times = runs.map((run) => run.elapsedMs)
  const result = {
    runs,
    elapsedMs: { ...summary(times), max: Math.max(...times) },
    targetMs: TARGET_MS,
    pass: times.every((time) => time <= TARGET_MS),
    machine,
  }
  if (flags.json) return console.log(JSON.stringify(result, null, 2))
  const rows = runs.map((run, i) => [`${i + 1} ${run.kind}`, figure(run.elapsedMs), wrongByRound(run.rounds)])
  console.log(table(['killed', 'all right after ms', 'wrong answers by round'], rows))
  const { median, max } = result.elapsedMs
  console.log(
    `\nmedian ${figure(median)} ms, longest ${figure(max)} ms, target ${TARGET_MS} ms: ${result.pass ? 'pass' : 'fail'}`,
  )
  for (const reason of result.machine.reasons) console.log(`The machine was busy: ${reason}.`)
}
