/** A ring comes into being, and trouble comes over it: the actions of a plan, drawn from a stream. */
import { Cast, type Part } from './cast.ts'
import { wound } from './chains.ts'
import type { Action, InChain, Memory, Settings } from './plan.ts'
import type { Stream } from './random.ts'
import { pick, type Shape, type Trouble } from './swarm.ts'

const STEPS_MAX = 30
/** In fair weather so many rounds after a loss the lists are whole again. */
const RECOVERY_ROUNDS = 8
/** In a hundred times that somebody falls, the last one may. */
const LAST_FALLS = 10

export class Story {
  readonly #shape: Shape
  readonly #random: Stream
  readonly #cast: Cast
  readonly #actions: Action[] = []
  #leftMs: number
  /** How many processes have gone since the lists were last whole. */
  #gone = 0
  #troubled = false

  constructor(shape: Shape, random: Stream) {
    this.#shape = shape
    this.#random = random
    this.#cast = new Cast(shape, random.split('cast'))
    this.#leftMs = shape.storyMs
  }

  tell(): Action[] {
    if (this.#shape.begins === 'grown') this.#form()
    else this.#place()
    for (let step = 0; step < STEPS_MAX && this.#leftMs > 0; step++) {
      const trouble = this.#shape.troubles[this.#random.below(this.#shape.troubles.length)] as Trouble
      this.#trouble(trouble)
      this.#pass()
    }
    return this.#actions
  }

  /** One after the other, or all at once; with or without a while in peace before trouble begins. */
  #form(): void {
    const { processes } = this.#shape
    const random = this.#random.split('form')
    const founders = Math.min(processes, 1 + random.below(3))
    this.#start(undefined)
    if (random.chance(50)) this.#do({ verb: 'seeds', processes: [this.#cast.any().name] })
    const spreadMs = pick(random, [0, 0, 5, 200])
    for (let i = 1; i < processes; i++) {
      if (i < founders) this.#run(1 + random.below(300))
      else if (spreadMs > 0) this.#run(random.below(spreadMs))
      this.#start(this.#cast.any())
    }
    if (founders > 1) this.#do({ verb: 'seeds', processes: this.#cast.some(founders).map(({ name }) => name) })
    if (random.chance(80)) this.#run(Math.round(this.#shape.roundMs * pick(random, [0.5, 2, 5])))
    this.#leftMs = this.#shape.storyMs
  }

  /** Many rings, or one that is wound: with them trouble begins. */
  #place(): void {
    const { processes, begins } = this.#shape
    const random = this.#random.split('place')
    for (let i = 0; i < processes; i++) this.#cast.add()
    const all = this.#cast.living.map(({ name, ids }) => ({ process: name, id: ids[0] as string }))
    const count = Math.min(processes - 1, pick(random, [2, 2, 3, 5]))
    const chains: InChain[][] = begins === 'wound' ? [wound(all, count)] : Array.from({ length: count }, () => [])
    if (begins === 'split') for (const one of all) chains[random.below(count)]?.push(one)
    this.#do({ verb: 'chains', chains: chains.filter(({ length }) => length > 0) })
    if (random.chance(50)) this.#run(random.below(5 * this.#shape.roundMs))
    this.#leftMs = this.#shape.storyMs
  }

  #trouble(trouble: Trouble): void {
    const { weather } = this.#shape
    const mend = weather === 'foul' && this.#troubled && this.#random.chance(25)
    if (mend) {
      this.#troubled = false
      this.#do({ verb: 'mend' })
      for (const { name } of this.#cast.resumeAll()) this.#do({ verb: 'resume', processes: [name] })
      return
    }
    this[trouble]()
  }

  join(): void {
    const count = this.#random.chance(70) ? 1 : 1 + this.#random.below(4)
    for (let i = 0; i < count && this.#cast.living.length < 2 * this.#shape.processes + 2; i++) {
      const via = this.#cast.maybe()
      if (via !== undefined) this.#start(via)
    }
  }

  /** Often several neighbors at once: none of them may hand over to another. */
  leave(): void {
    const { length } = this.#cast.living
    const everybody = this.#random.chance(2)
    const count = everybody ? length : Math.min(length - 1, pick(this.#random, [1, 1, 1, 2, 2, 3]))
    if (count > 0) this.#remove('leave', this.#cast.adjacent(count))
  }

  kill(): void {
    this.#fell('kill')
  }

  vanish(): void {
    this.#fell('vanish')
  }

  #fell(verb: 'kill' | 'vanish'): void {
    const most = this.#mayFall()
    const count = Math.min(most, pick(this.#random, [1, 1, 1, 2, 3]))
    if (count > 0) {
      const victims = this.#random.chance(50) ? this.#cast.adjacent(count) : this.#cast.some(count)
      this.#remove(verb, victims)
    }
  }

  /** A fraction of all, at one instant. */
  massacre(): void {
    const { length } = this.#cast.living
    const count = Math.floor((length * pick(this.#random, [25, 50, 75])) / 100)
    if (count === 0) return
    const verb = this.#random.chance(50) ? 'kill' : 'vanish'
    this.#remove(verb, this.#random.chance(50) ? this.#cast.adjacent(count) : this.#cast.some(count))
  }

  restart(): void {
    const memory: Memory = pick(this.#random, ['kept', 'kept', 'stale', 'lost'])
    const isBack = this.#cast.dead.length > 0 && this.#random.chance(60)
    if (!isBack && this.#mayFall() < 1) return
    const part = isBack ? this.#cast.revive() : this.#cast.maybe()
    if (part === undefined) return
    if (!isBack) this.#gone++
    const via = this.#cast.other(part)
    this.#do({ verb: 'restart', process: part.name, memory, ...(via !== undefined && { via: via.name }) })
  }

  /** Somebody else with an id that is taken. */
  duplicate(): void {
    const part = this.#cast.maybe()
    const via = this.#cast.maybe()
    if (part === undefined || via === undefined) return
    const process = this.#cast.stranger()
    this.#do({ verb: 'start', process, ids: part.ids.slice(0, 1), via: via.name })
  }

  pause(): void {
    const part = this.#cast.maybe()
    if (part === undefined) return
    const paused = this.#cast.pause(part)
    this.#do({ verb: paused ? 'pause' : 'resume', processes: [part.name] })
    this.#troubled = true
  }

  /** Ahead, or behind: then who starts again without its state file believes to be earlier than its last life. */
  clock(): void {
    const part = this.#cast.maybe()
    if (part === undefined) return
    const offMs = pick(this.#random, [2_000, 2_000, 60_000, 3_600_000])
    const offsetMs = this.#random.below(2 * offMs + 1) - offMs
    this.#do({ verb: 'clock', process: part.name, offsetMs, ratePpm: 1_000_000 + this.#rate() })
  }

  /** Quartz is off by tens in a million; a virtual machine that is starved, by much more. */
  #rate(): number {
    const off = pick(this.#random, [100, 1000, 100_000])
    return this.#random.below(2 * off + 1) - off
  }

  network(): void {
    this.#do({ verb: 'network', conditions: this.#conditions() })
    this.#troubled = true
  }

  link(): void {
    const [from, to] = this.#pair()
    if (from === undefined || to === undefined) return
    this.#do({ verb: 'link', from: from.name, to: to.name, conditions: this.#conditions() })
    this.#troubled = true
  }

  /** What one neighbor says to another, or everybody to it, makes little sense. */
  corrupt(): void {
    const [from, to] = this.#pair()
    if (from === undefined || to === undefined) return
    const conditions = { corrupt: pick(this.#random, [5, 20, 50]) }
    const speakers = this.#random.chance(70) ? [from] : this.#cast.living.filter((part) => part !== to)
    for (const { name } of speakers) this.#do({ verb: 'link', from: name, to: to.name, conditions })
    this.#troubled = true
  }

  #conditions(): Settings {
    const mild = this.#shape.weather === 'fair'
    return pick<Settings>(this.#random, [
      { loss: mild ? 1 : 5 },
      { loss: mild ? 2 : 30 },
      { duplicate: 10 },
      { reorder: 20 },
      { delay: mild ? '20..40' : '20..400' },
      mild ? { duplicate: 50 } : { corrupt: 2 },
      { loss: 1, duplicate: 5, reorder: 5 },
    ])
  }

  cut(): void {
    const everybody = this.#cast.living
    if (everybody.length < 2) return
    const sides: string[][] = [[], [], []]
    const count = this.#random.chance(75) ? 2 : 3
    const arcs = this.#random.chance(50)
    const from = this.#random.below(Math.max(1, everybody.length))
    everybody.forEach((_, index) => {
      const part = everybody[(index + from) % everybody.length] as Part
      const side = arcs ? Math.floor((index * count) / everybody.length) : this.#random.below(count)
      sides[side]?.push(part.name)
    })
    this.#do({ verb: 'cut', sides: sides.filter((side) => side.length > 0) })
    this.#troubled = true
  }

  /** One direction, or both of one link while each still hears everybody else. */
  block(): void {
    const [from, to] = this.#pair()
    if (from === undefined || to === undefined) return
    this.#do({ verb: 'block', from: [from.name], to: [to.name] })
    if (this.#random.chance(50)) this.#do({ verb: 'block', from: [to.name], to: [from.name] })
    this.#troubled = true
  }

  clog(): void {
    const [from, to] = this.#pair()
    if (from === undefined || to === undefined) return
    this.#do({ verb: this.#random.chance(70) ? 'clog' : 'unclog', from: from.name, to: to.name })
    this.#troubled = true
  }

  reset(): void {
    const [from, to] = this.#pair()
    if (from !== undefined && to !== undefined) this.#do({ verb: 'reset', from: from.name, to: to.name })
  }

  stateFile(): void {
    const part = this.#cast.maybe()
    if (part !== undefined) this.#do({ verb: 'stateFile', process: part.name, works: this.#random.chance(30) })
  }

  /** Mostly while there is something to hand over. */
  stopAt(): void {
    if (this.#mayFall() < 1) return
    const part = this.#cast.maybe()
    if (part === undefined) return
    this.#do({ verb: 'stopAt', process: part.name, phase: pick(this.#random, ['services', 'telling']) })
    if (this.#random.chance(50)) this.join()
    else this.#do({ verb: 'leave', processes: [part.name] })
    this.#gone++
  }

  /** Neighbors hear each other most, so it is mostly their links that are troubled. */
  #pair(): readonly [Part | undefined, Part | undefined] {
    const pair = this.#random.chance(60) ? this.#cast.adjacent(2) : this.#cast.some(2)
    const [a, b] = pair
    return this.#random.chance(50) ? [a, b] : [b, a]
  }

  /** In fair weather the lists always survive. */
  #mayFall(): number {
    const { length } = this.#cast.living
    if (this.#shape.weather === 'foul') return this.#random.chance(LAST_FALLS) ? length : Math.max(0, length - 1)
    const { successors } = this.#shape
    return Math.max(0, Math.min(successors - 1, length - successors - 2) - this.#gone)
  }

  #remove(verb: 'kill' | 'vanish' | 'leave', parts: readonly Part[]): void {
    this.#do({ verb, processes: parts.map(({ name }) => name) })
    for (const part of parts) this.#cast.remove(part, verb !== 'leave')
    this.#gone += parts.length
  }

  #start(via: Part | undefined): void {
    const { name, ids } = this.#cast.add()
    this.#do({ verb: 'start', process: name, ids, ...(via !== undefined && { via: via.name }) })
  }

  /** Much happens at once, some while its consequences spread, and some after all has come to rest. */
  #pass(): void {
    const { weather, successors, roundMs } = this.#shape
    const kind = this.#random.below(10)
    const some = kind < 4 ? 20 : kind < 7 ? roundMs / 4 : 3 * roundMs
    this.#run(this.#random.below(Math.round(some) + 1))
    if (weather === 'foul' || this.#gone < Math.max(1, successors - 1)) return
    this.#run(RECOVERY_ROUNDS * roundMs)
    this.#gone = 0
  }

  #run(ms: number): void {
    this.#leftMs -= ms
    if (ms > 0) this.#do({ verb: 'run', ms })
  }

  #do(action: Action): void {
    this.#actions.push(action)
  }
}
