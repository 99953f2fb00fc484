/**
 * `node bench/streams.mjs`: one stream from one process to another, against a socket of `node:net` that does the same, in the same run and
 * in turns. Both write blocks of 64 KiB and throw away what they read.
 *
 *   --mib N        that a round sends. Default 1,024
 *   --rounds N     default 9
 *   --json         the figures as JSON on standard output
 *   --quick        little data, one round: shows that it runs, its figures are no evidence
 *   --no-build     dist/ is fresh
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './lib/build.mjs'
import { machine, versions } from './lib/machine.mjs'
import { summary } from './lib/stats.mjs'
import { busyBefore } from './lib/watch.mjs'

const { values: flags } = parseArgs({
  options: {
    mib: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
})

const END = fileURLToPath(new URL('./streams/end.mjs', import.meta.url))
const CONTESTANTS = { net: 'node:net', native: 'stream, native transport', tcp: 'stream, portable transport' }
const mib = Number(flags.mib ?? (flags.quick ? 64 : 1_024))
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 9))
const bytes = mib * 2 ** 20

const before = busyBefore()
if (!flags['no-build']) build()

async function ask(child, message) {
  child.send(message)
  const [answer] = await once(child, 'message')
  return answer
}

async function pairOf(contestant) {
  const [receiver, sender] = [fork(END, [contestant]), fork(END, [contestant])]
  const address = await ask(receiver, { action: 'listen' })
  await ask(sender, { action: 'send', address, bytes: 2 ** 23 })
  return { contestant, receiver, sender, address, rounds: [] }
}

async function round({ receiver, sender, address, rounds: all }) {
  const cpuBefore = await ask(receiver, { action: 'cpu' })
  const { ms, cpuMs } = await ask(sender, { action: 'send', address, bytes })
  const receiverMs = (await ask(receiver, { action: 'cpu' })) - cpuBefore
  const perGiB = 2 ** 30 / bytes
  all.push({ mbPerS: bytes / 1_000 / ms, senderMs: cpuMs * perGiB, receiverMs: receiverMs * perGiB })
}

const pairs = []
for (const contestant of Object.keys(CONTESTANTS)) pairs.push(await pairOf(contestant))
for (let i = 0; i < rounds; i++) {
  for (const pair of i % 2 === 0 ? pairs : [...pairs].reverse()) await round(pair)
}
for (const { receiver, sender } of pairs) for (const child of [receiver, sender]) child.disconnect()

const results = pairs.map(({ contestant, rounds: all }) => ({
  contestant: CONTESTANTS[contestant],
  mbPerS: summary(all.map(({ mbPerS }) => mbPerS)),
  cpuMsPerGiB: summary(all.map(({ senderMs, receiverMs }) => senderMs + receiverMs)),
  senderMsPerGiB: summary(all.map(({ senderMs }) => senderMs)),
  receiverMsPerGiB: summary(all.map(({ receiverMs }) => receiverMs)),
}))

if (flags.json) {
  console.log(JSON.stringify({ machine: machine(), versions: versions(), before, mib, rounds, results }, null, 2))
} else {
  const [net] = results
  console.log(`${mib} MiB a round, ${rounds} rounds: medians (quartiles)`)
  for (const { contestant, mbPerS, cpuMsPerGiB, senderMsPerGiB, receiverMsPerGiB } of results) {
    const spread = ({ median, p25, p75 }) => `${median.toFixed(0)} (${p25.toFixed(0)}–${p75.toFixed(0)})`
    const ratio = (cpuMsPerGiB.median / net.cpuMsPerGiB.median).toFixed(2)
    const parts = `sender ${senderMsPerGiB.median.toFixed(0)}, receiver ${receiverMsPerGiB.median.toFixed(0)}`
    console.log(
      `${contestant.padEnd(28)} ${spread(mbPerS)} MB/s, CPU ${spread(cpuMsPerGiB)} ms/GiB (${parts}), ${ratio} × net`,
    )
  }
}
