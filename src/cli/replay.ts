/** `chordite replay`: tells cores what recorded ones were told, and says whether they come to the same states. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ChordNode } from '../core/chord-node.ts'
import type { CoreEvent } from '../core/output.ts'
import { ChordError } from '../index.ts'
import { readRecordings } from '../sim/record/files.ts'
import { headerOf, type Recording, type Replayed, type ReplayOptions, replay, type Step } from '../sim/record/replay.ts'
import { name, show } from '../sim/trace.ts'
import { count, fail, note, percent, print, printJson, table } from './output.ts'
import { plainPeer, plainRange, share } from './plain.ts'
import { packageVersion } from './version.ts'

interface ReplayFlags {
  until?: Pick<ReplayOptions, 'untilInput' | 'untilMs'>
  trace?: boolean
  json?: boolean
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('tell cores what recorded ones were told; exit code 1 unless they come to the same states')
    .argument('<recording...>', 'what a node wrote with record; files rotated away (.1, .2, …) are found')
    .addOption(
      new Option('--until <when>', 'stop before this input, or after so long: 120, 2500ms, 30s').argParser(until),
    )
    .option('--trace', 'print every input and message')
    .option('--json', 'print JSON, one value a line')
    .action(run)
}

async function run(paths: string[], flags: ReplayFlags): Promise<void> {
  const recordings = await readRecordings(paths)
  for (const recording of recordings) checkHeader(recording)
  const printer = new Printer(flags)
  const runs = replay(recordings, {
    ...flags.until,
    step: (step) => printer.step(step),
    event: (node, event, nowMs) => printer.event(node, event, nowMs),
  })
  if (runs.length === 0) throw new ChordError('ERR_RECORDING', `${paths.join(', ')}: no recording`)
  for (const one of runs) (flags.json ? printResult : describe)(one)
  if (runs.some(({ deviation }) => deviation !== undefined)) process.exitCode = 1
}

/** Another version may have other cores: then it is no wonder if the states differ. */
function checkHeader(recording: Recording): void {
  const header = headerOf(recording)
  if (header === undefined) note(`${recording.name}: no recording, or not of a format that this version reads`)
  else if (header.version !== packageVersion()) {
    note(`${recording.name}: recorded by chordite ${header.version}, this is ${packageVersion()}; trying`)
  }
}

class Printer {
  readonly #flags: ReplayFlags
  #fromMs = Number.NaN

  constructor(flags: ReplayFlags) {
    this.#flags = flags
  }

  step({ number, nowMs, node, input, outputs }: Step): void {
    if (Number.isNaN(this.#fromMs)) this.#fromMs = nowMs
    if (!this.#flags.trace || this.#flags.json) return
    const { kind, ...told } = input
    const what =
      input.kind === 'message' ? `← ${name(input.from)}  ${show(input.message)}` : show({ type: kind, ...told })
    print(`${this.#time(nowMs)}  #${number} ${name(node.self)} ${what}`)
    for (const output of outputs) {
      if (output.kind === 'send') print(`${' '.repeat(14)}→ ${name(output.to)}  ${show(output.message)}`)
    }
  }

  event(node: ChordNode, event: CoreEvent, nowMs: number): void {
    if (!this.#flags.json) return print(`${this.#time(nowMs)}  ${name(node.self)}: ${show(event)}`)
    printJson({ ms: nowMs - this.#fromMs, id: node.self.id, address: node.self.address, ...event })
  }

  #time(nowMs: number): string {
    return (nowMs - this.#fromMs).toFixed(2).padStart(12)
  }
}

function printResult({ members, header, ...rest }: Replayed): void {
  printJson({
    replayed: {
      ...header,
      ...rest,
      members: members.map((node) => ({
        ...plainPeer(node.self),
        status: node.status,
        epoch: node.epoch,
        ...(node.predecessor ? { predecessor: plainPeer(node.predecessor) } : {}),
        successors: node.successors.map(plainPeer),
        ...(node.range ? { range: plainRange(node.range) } : {}),
      })),
    },
  })
}

function describe(run: Replayed): void {
  const { header, files, members, inputs, compared, cuts, end, deviation } = run
  const rows = members.map((node) => [
    String(node.self.id),
    node.self.address,
    node.status,
    String(node.epoch),
    node.predecessor?.address ?? '-',
    String(node.successors.length),
    percent(share(node.range && plainRange(node.range))),
  ])
  const head = ['id', 'address', 'status', 'epoch', 'predecessor', 'successors', 'share']
  for (const line of table([head, ...rows])) print(line)
  const seconds = ((run.toMs - run.fromMs || 0) / 1000).toFixed(1)
  print(
    `${files.join(', ')}: ${count(inputs)} inputs in ${seconds} s, network ${header.network}, chordite ${header.version}`,
  )
  for (const cut of cuts)
    note(`${cut.name}: ${cut.why}${cut.at < 0 ? '' : ` at byte ${count(cut.at)}`}; what follows is lost`)
  if (end === undefined) note('the recording does not say that it was ended: the process died, or it is being written')
  else if (end !== 'closed') note(`the recording ended by an ${end}`)
  if (deviation === undefined && compared === 0) return note('no state was compared: none was written before it ends')
  if (deviation === undefined) return print(`${count(compared)} states compared: all the same`)
  const { kind, input, peer, what } = deviation
  const broken = { state: 'the states differ', rule: 'a rule is broken', exception: 'an exception' }[kind]
  fail(`${broken} after input ${input}, ${name(peer)}: ${what}`)
}

function until(text: string): ReplayFlags['until'] {
  const parts = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text)
  const value = Number(parts?.[1])
  if (parts === null || (parts[2] === undefined && !Number.isInteger(value))) {
    throw new InvalidArgumentError('Expected the number of an input, or a time such as 2500ms or 30s.')
  }
  if (parts[2] === undefined) return { untilInput: value }
  return { untilMs: parts[2] === 's' ? value * 1000 : value }
}
