/**
 * Plays a scenario: a story about a ring, one step a line, `#` starts a comment. The steps are those of plans
 * (`scenario-text.ts`), single messages that are held, lost and delivered, and what must be true then. They are listed in
 * `test/scenarios/README.md`.
 */
import type { ChordNode } from '../core/chord-node.ts'
import type { CoreEvent } from '../core/output.ts'
import { route } from '../core/router.ts'
import { heal } from './heal.ts'
import type { Packet } from './network.ts'
import { Oracles } from './oracles/oracles.ts'
import { idOf, Performer } from './performer.ts'
import type { Placement } from './placement.ts'
import type { Settings } from './plan.ts'
import { matches, type Pattern, patternOf, showEvent, showField, showPeer } from './scenario-show.ts'
import { after, numberOf, parseAction, parseSettings } from './scenario-text.ts'
import { checkSettings } from './settings.ts'
import type { Simulation } from './simulation.ts'

/** Throws with the line that is not so. */
export function playScenario(text: string): void {
  const stage = new Stage()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*/, '').trim()
    if (line === '') continue
    try {
      stage.step(line)
    } catch (e) {
      throw new Error(`line ${index + 1}: ${line}\n  ${(e as Error).message}\n${stage.show()}`, { cause: e })
    }
  }
}

const HOPS_MAX = 20
const FIELDS = /(succ|pred|range|epoch|heir|sole|new|joining|member|isolated|leaving|left)( [^a-z]\S*| [0-9a-f]\b)*/g

class Stage {
  #seed = 1
  #settings: Settings = {}
  #watched = false
  #performing: Performer | undefined
  #oracles: Oracles | undefined
  readonly #holding: Pattern[] = []
  readonly #losing: Pattern[] = []
  /** Where a node lives that is called by its id, or by its address. */
  readonly #addresses = new Map<string, string>()
  /** The latest node of each address and id, alive or not. */
  readonly #nodes = new Map<string, ChordNode>()
  readonly #events: { address: string; event: CoreEvent }[] = []
  readonly #placements: { name: string; successors: string[]; predecessor: string | undefined; remembers: string[] }[] =
    []
  #seen = 0

  step(line: string): void {
    const [verb, ...words] = line.split(/\s+/) as [string, ...string[]]
    this.#do(line, verb, words)
    const [violation] = this.#oracles?.violations ?? []
    if (violation !== undefined) {
      throw new Error(`'${violation.oracle}' at ${Math.round(violation.atMs)} ms: ${violation.text}`)
    }
  }

  #do(line: string, verb: string, words: string[]): void {
    switch (verb) {
      case 'seed':
      case 'with':
      case 'watch':
        return this.#configure(verb, words)
      case 'ring':
        return this.#form(words)
      case 'given':
        return this.#given(line)
      case 'create':
      case 'join':
        return this.#start(words)
      case 'restart':
        return words.includes('memory') ? this.#perform(line) : this.#restart(words)
      case 'process':
        for (const name of words.slice(2, words.includes('via') ? words.indexOf('via') : words.length)) {
          this.#addresses.set(name, words[0] as string)
        }
        return this.#perform(line)
      case 'hold':
        return void this.#holding.push(patternOf(words))
      case 'lose':
        return void this.#losing.push(patternOf(words))
      case 'deliver':
      case 'drop':
        return this.#release(patternOf(words), verb)
      case 'release':
        return this.#releaseAll()
      case 'forget':
        this.#seen = this.#events.length
        return
      default:
        if (!this.#expect(verb, words)) this.#perform(line)
    }
  }

  /** Returns whether it was something to expect. */
  #expect(verb: string, words: string[]): boolean {
    switch (verb) {
      case 'settle':
        this.#simulation.settle(numberOf(words[0] ?? '5000'), 10)
        return true
      case 'heals':
        if (this.#oracles === undefined) throw new Error('who does not watch from the beginning on cannot say')
        heal(this.#performer, this.#oracles)
        return true
      case 'held':
        this.#expectHeld(words)
        return true
      case 'event':
      case 'no':
        this.#expectEvent(verb, words)
        return true
      case 'route':
        this.#expectRoute(words)
        return true
      case 'ideal':
        same(this.#simulation.flaws().join('; '), '')
        return true
      case 'gone':
        for (const word of words) same(this.#lives(word), false)
        return true
      default:
        if (verb.endsWith(':')) this.#expectState(verb, words)
        return verb.endsWith(':')
    }
  }

  #perform(line: string): void {
    const action = parseAction(line, this.#address)
    if (action === undefined) throw new Error(`no such step: ${line.split(' ')[0]}`)
    this.#performer.perform(action)
  }

  #configure(verb: 'seed' | 'with' | 'watch', words: string[]): void {
    if (this.#performing !== undefined) throw new Error('settings come before nodes')
    if (verb === 'seed') this.#seed = numberOf(words[0])
    else if (verb === 'with') this.#settings = { ...this.#settings, ...parseSettings(words) }
    else this.#watched = true
    checkSettings(this.#settings)
  }

  get #performer(): Performer {
    return this.#performing ?? this.#begin()
  }

  get #simulation(): Simulation {
    return this.#performer.simulation
  }

  #begin(): Performer {
    const performer = new Performer(this.#seed, this.#settings, { reboots: this.#watched })
    this.#performing = performer
    const { simulation } = performer
    if (this.#watched) {
      this.#oracles = new Oracles(simulation)
      simulation.observe(this.#oracles)
    }
    simulation.observe({
      started: ({ node }) => void this.#nodes.set(`${node.self.address}/${showPeer(node.self)}`, node),
      event: ({ node }, event) => void this.#events.push({ address: node.self.address, event }),
    })
    simulation.holds = (from, to, { type }) =>
      this.#holding.some((one) => this.#matches(one, { from: from.address, to: to.address, type }))
    simulation.filter = (from, to, { type }) => !this.#losing.some((one) => this.#matches(one, { from, to, type }))
    return performer
  }

  /** An ideal ring. */
  #form(words: string[]): void {
    const [first] = words as [string]
    for (const word of words) this.#start(word === first ? [word] : [word, 'via', first])
    this.#simulation.settle(20_000)
    this.#simulation.run(10_000)
    this.#seen = this.#events.length
  }

  /** `given 0: succ 4 2 pred 2 remembers 2 4`, one line a node; `given all` puts them in place. */
  #given(line: string): void {
    if (line !== 'given all') {
      const name = line.match(/^given (\w+):/)?.[1] as string
      const list = (word: string) =>
        (line.match(new RegExp(`${word}((?: \\w(?= |$))+)`))?.[1] ?? '').split(' ').filter((word) => word !== '')
      const remembers = /remembers/.test(line) ? list('remembers') : []
      this.#placements.push({ name, successors: list('succ'), predecessor: list('pred')[0], remembers })
      return
    }
    this.#simulation.place(
      this.#placements.map(
        ({ name, successors, predecessor, remembers }): Placement => ({
          id: idOf(name),
          address: this.#settle(name, `n${name}`),
          successors: successors.map(idOf),
          ...(predecessor !== undefined && { predecessor: idOf(predecessor) }),
          remembered: remembers.map(idOf),
        }),
      ),
    )
    this.#seen = this.#events.length
  }

  /** `create 0`, `join 3 via 0`, `join 3 via 0 at n9`: a process of its own, called by its id or by its address. */
  #start(words: string[]): void {
    const name = words[0] as string
    const at = words.includes('at') ? after(words, 'at') : undefined
    const address = this.#settle(at ?? name, at ?? `n${name}`)
    const via = words.includes('via') ? { via: this.#address(after(words, 'via')) } : {}
    this.#simulation.start({ address, ids: [idOf(name)], ...via })
  }

  /** `restart 3 via 0`, `restart 3 via 0 as 1`: with nothing but its id. */
  #restart(words: string[]): void {
    const incarnation = words.includes('as') ? { incarnation: BigInt(after(words, 'as')) } : {}
    const via = this.#address(after(words, 'via'))
    this.#simulation.restart(this.#address(words[0] as string), { memory: 'lost', via, ...incarnation })
  }

  /** Remembers where it lives. */
  #settle(name: string, address: string): string {
    this.#addresses.set(name, address)
    return address
  }

  #matches(one: Pattern, sent: { from: string; to: string; type: string }): boolean {
    // Messages may be held before the node is there that is going to send them.
    return matches(
      one,
      sent,
      (name) => this.#addresses.get(name) ?? (this.#simulation.processes.has(name) ? name : `n${name}`),
    )
  }

  #held(which: Pattern): Packet | undefined {
    return this.#simulation.held.find(({ from, to, message: { type } }) =>
      this.#matches(which, { from: from.address, to: to.address, type }),
    )
  }

  #release(which: Pattern, verb: 'deliver' | 'drop'): void {
    const packet = this.#held(which)
    if (packet === undefined) throw new Error('no such message is held')
    this.#simulation[verb](packet)
  }

  #releaseAll(): void {
    this.#holding.length = 0
    this.#losing.length = 0
    for (const packet of [...this.#simulation.held]) this.#simulation.deliver(packet)
  }

  /** `held grant from 4 to 3`; with `no` in front: `held no grant`. */
  #expectHeld(words: string[]): void {
    const no = words[0] === 'no'
    same(this.#held(patternOf(no ? words.slice(1) : words)) !== undefined, !no)
  }

  /** `event 3: range (0,3] grant from 4` happened since `ring` or `forget`. */
  #expectEvent(verb: string, words: string[]): void {
    const [who, ...rest] = (verb === 'no' ? words.slice(1) : words) as [string, ...string[]]
    const wanted = rest.join(' ')
    const at = this.#address(who.replace(':', ''))
    const events = this.#events.slice(this.#seen).filter(({ address }) => address === at)
    const shown = events.map(({ event }) => showEvent(event))
    const found = shown.some((event) => event === wanted || event.startsWith(`${wanted} `))
    if (found !== (verb === 'event')) throw new Error(`events of ${who}:\n    ${shown.join('\n    ')}`)
  }

  /** `route 1 from 0 ends at 2`, `route 1 from 0 unsettled`; with `final`, the first node is believed to own the key. */
  #expectRoute(words: string[]): void {
    const [key, , from] = words as [string, string, string]
    const wanted = words.slice(words.includes('final') ? 4 : 3).join(' ')
    let node = this.#node(from)
    let final = words.includes('final')
    let finalSteps = 0
    const path = [from]
    for (let hops = 0; hops < HOPS_MAX; hops++) {
      const decision = route([node], idOf(key), final, finalSteps, 0)
      if (decision.kind !== 'forward') {
        const end = decision.kind === 'deliver' ? `ends at ${showPeer(decision.member.self)}` : decision.kind
        return same(`${end} (${path.join(' ')})`.startsWith(wanted), true, `${end} by ${path.join(' ')}`)
      }
      final = decision.final
      finalSteps = decision.finalSteps
      path.push(showPeer(decision.to))
      node = this.#node(showPeer(decision.to))
    }
    throw new Error(`no end: ${path.join(' ')}`)
  }

  /** `0: member succ 2 4 pred 4 range (4,0] epoch 3`, any of them. */
  #expectState(verb: string, words: string[]): void {
    const node = this.#node(verb.slice(0, -1))
    const rest = words.join(' ')
    const wanted = rest.match(FIELDS) ?? []
    for (const part of wanted) same(showField(node, part.split(' ')[0] as string), part)
    if (wanted.join(' ') !== rest) throw new Error(`cannot read '${rest}'`)
  }

  readonly #address = (name: string): string => this.#addresses.get(name) ?? name

  #node(name: string): ChordNode {
    const address = this.#address(name)
    const known = this.#nodes.get(`${address}/${name}`)
    if (known !== undefined) return known
    for (const [key, node] of this.#nodes) if (key.startsWith(`${address}/`)) return node
    throw new Error(`no node ${name}`)
  }

  #lives(name: string): boolean {
    const node = this.#node(name)
    return this.#simulation.at(node.self.address).some((member) => member.node === node)
  }

  show(): string {
    return [...this.#nodes]
      .map(
        ([name, node]) =>
          `    ${name}: ${['status', 'succ', 'pred', 'range'].map((f) => showField(node, f)).join(' ')}`,
      )
      .join('\n')
  }
}

function same(actual: unknown, expected: unknown, shown = String(actual)): void {
  if (actual !== expected) throw new Error(`is: ${shown}`)
}
