/**
 * Faults at random, drawn from the seed: which kinds a world knows at all (swarm testing, Groce et al. 2012), when, and whom
 * they hit. Each kind draws from a stream of its own, so that one more or one less leaves the times of the others alone.
 */
import type { ChordNode } from '../../api.ts'
import { known } from '../../core/config.ts'
import type { Stream } from '../random.ts'
import type { HandoverStep } from './handover.ts'
import { bad, checkNumber, checkWhole } from './options.ts'
import type { SetUp, WorldNode } from './process.ts'
import type { World } from './world.ts'

export const FAULTS = [
  'kill',
  'restart',
  'vanish',
  'leave',
  'pause',
  'partition',
  'cut',
  'clog',
  'reset',
  'slow',
  'clock',
  'disk',
  'choke',
  'handover',
  'corrupt',
] as const
export type FaultName = (typeof FAULTS)[number]

export interface TroubleOptions {
  /** What may happen. Default: all but `corrupt`, which changes what applications receive as well. */
  faults?: readonly FaultName[]
  /** About how often each kind happens. Default 4,000. */
  everyMs?: number
  /** Nodes that run at least. Default: half of those that there are now, and three. */
  keep?: number
  /** Of the nodes that take the places of those that have gone. */
  node?: WorldNode
  setUp?: SetUp | undefined
}

export const TROUBLE_OPTIONS = ['faults', 'everyMs', 'keep', 'node', 'setUp'] as const

const STEPS: readonly HandoverStep[] = ['prepare', 'transfer', 'transferred', 'commit']
const DEFAULT = FAULTS.filter((name) => name !== 'corrupt')

export class Trouble {
  /** The kinds that the seed has chosen. */
  readonly kinds: readonly FaultName[]
  readonly #world: World
  readonly #streams: ReadonlyMap<FaultName, Stream>
  readonly #everyMs: number
  readonly #keep: number
  readonly #node: WorldNode
  readonly #setUp: SetUp | undefined
  #isOver = false
  #isDivided = false
  /** The step of the next hand-over at which its node dies. */
  #deadly: HandoverStep | undefined

  constructor(world: World, stream: Stream, o: TroubleOptions) {
    checkTrouble(o)
    this.#world = world
    this.#everyMs = o.everyMs ?? 4_000
    this.#keep = o.keep ?? Math.max(3, world.nodes.length >> 1)
    this.#node = o.node ?? {}
    this.#setUp = o.setUp
    const streams = new Map((o.faults ?? DEFAULT).map((name) => [name, stream.split(name)] as const))
    this.#streams = streams
    this.kinds = [...streams].filter(([, own]) => own.chance(60)).map(([name]) => name)
    world.onHandover((node, { step }) => {
      if (step === this.#deadly && this.#isSpare(node)) this.#killAtHandover(node)
    })
    for (const kind of this.kinds) this.#schedule(kind)
  }

  stop(): void {
    this.#isOver = true
    this.#deadly = undefined
  }

  #schedule(kind: FaultName): void {
    this.#after(this.#streamOf(kind).between(0.2, 1.8) * this.#everyMs, () => {
      this.#happen(kind, this.#streamOf(kind))
      this.#schedule(kind)
    })
  }

  #happen(kind: FaultName, random: Stream): void {
    const world = this.#world
    const { nodes } = world
    const node = nodes[random.below(nodes.length)]
    const other = nodes[random.below(nodes.length)]
    const forMs = random.between(100, 8_000)
    if (node === undefined || other === undefined) return
    switch (kind) {
      case 'kill':
      case 'vanish':
        if (!this.#isSpare(node)) return
        if (kind === 'kill') world.kill(node)
        else world.vanish(node)
        return this.#after(forMs, () => this.#startAnother())
      case 'leave':
        return this.#leave(node, random.chance(30) ? other : undefined, forMs)
      case 'restart':
        if (!this.#isSpare(node)) return
        world.kill(node)
        return this.#after(forMs, () => this.#again(node, random))
      case 'pause':
        return world.pause(node, forMs)
      case 'clock':
        return world.setClock(node, { rate: random.between(0.9, 1.1), offsetMs: random.between(-60_000, 60_000) })
      case 'partition':
        return this.#divide(random, forMs)
      case 'handover':
        this.#deadly = STEPS[random.below(STEPS.length)]
        return
      case 'disk':
        world.fillDisk(node)
        return this.#after(forMs, () => world.fillDisk(node, false))
      case 'choke':
        world.choke(node)
        return this.#after(forMs / 4, () => world.choke(node, false))
      default:
        if (node !== other) this.#hitPath(kind, node, other, random, forMs)
    }
  }

  #hitPath(kind: FaultName, from: ChordNode, to: ChordNode, random: Stream, forMs: number): void {
    const world = this.#world
    switch (kind) {
      case 'reset':
        return world.reset(from, to)
      case 'cut':
        world.cut(from, to)
        return this.#after(forMs, () => world.mend(from, to))
      case 'clog':
        world.clog(from, to)
        return this.#after(forMs / 2, () => world.mend(from, to))
      case 'slow':
        world.slow(from, to, { kind: 'heavy', medianMs: random.between(2, 60) })
        return this.#after(forMs, () => world.mend(from, to))
      case 'corrupt':
        world.corrupt(from, to, random.between(1, 20))
        return this.#after(forMs, () => world.mend(from, to))
      default:
        throw new Error(`${kind} is no fault of a path`)
    }
  }

  /** Sometimes two at once. */
  #leave(node: ChordNode, other: ChordNode | undefined, forMs: number): void {
    for (const one of new Set([node, other])) {
      if (one === undefined || one.state !== 'member' || !this.#isSpare(one)) continue
      this.#world.leave(one).catch(() => {})
      this.#after(forMs, () => this.#startAnother())
    }
  }

  #divide(random: Stream, forMs: number): void {
    if (this.#isDivided) return
    this.#isDivided = true
    const sides: ChordNode[][] = random.chance(70) ? [[], []] : [[], [], []]
    for (const node of this.#world.nodes) sides[random.below(sides.length)]!.push(node)
    // Those of the first are not named: they are together with clients and with who comes later.
    this.#world.partition(...sides.slice(1))
    this.#after(2 * forMs, () => {
      this.#isDivided = false
      this.#world.partition()
    })
  }

  #killAtHandover(node: ChordNode): void {
    this.#deadly = undefined
    this.#world.kill(node)
    const random = this.#streamOf('handover')
    this.#after(random.between(100, 8_000), () => this.#again(node, random))
  }

  #again(node: ChordNode, random: Stream): void {
    const memory = (['kept', 'kept', 'stale', 'lost'] as const)[random.below(4)]!
    this.#world.restart(node, memory).catch(() => {})
  }

  #startAnother(): void {
    this.#world.start(this.#node, this.#setUp).catch(() => {})
  }

  /** Enough others would be left. */
  #isSpare(node: ChordNode): boolean {
    const { nodes } = this.#world
    const members = nodes.filter((one) => one.state === 'member')
    return nodes.includes(node) && members.length - (members.includes(node) ? 1 : 0) >= this.#keep
  }

  #streamOf(kind: FaultName): Stream {
    return this.#streams.get(kind)!
  }

  #after(ms: number, fn: () => void): void {
    this.#world.clock.setTimer(ms, () => {
      if (!this.#isOver) fn()
    })
  }
}

/** Errors: ERR_BAD_OPTION. */
export function checkTrouble(o: TroubleOptions): void {
  known(o, 'option of trouble', TROUBLE_OPTIONS)
  checkNumber('everyMs', o.everyMs, 1)
  checkWhole('keep', o.keep, 0)
  for (const name of o.faults ?? []) {
    if (!FAULTS.includes(name)) throw bad(`unknown fault '${name}'; known are ${FAULTS.join(', ')}`)
  }
}
