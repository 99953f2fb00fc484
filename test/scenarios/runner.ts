/**
 * Plays a scenario: one step a line, `#` starts a comment, blank lines separate thoughts. Nodes are small ids in
 * hexadecimal. The steps are listed in README.md beside the scenarios. Throws with the line that failed.
 */
import type { ChordNode } from '../../src/core/chord-node.ts'
import type { Id } from '../../src/core/id.ts'
import type { Peer, Range } from '../../src/core/messages.ts'
import type { CoreEvent } from '../../src/core/output.ts'
import { route } from '../../src/core/router.ts'
import { addressOf, SimRing, smallId } from '../core/sim-ring.ts'

interface Pattern {
  readonly type: string
  readonly from: string
  readonly to: string
}

export function play(text: string): void {
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

class Stage {
  #ring = new SimRing(1)
  readonly #holding: Pattern[] = []
  readonly #losing: Pattern[] = []
  readonly #nodes = new Map<string, ChordNode>()
  #sides: Set<string>[] = []
  #seen = 0

  constructor() {
    this.#wire()
  }

  step(line: string): void {
    const [verb, ...words] = line.split(/\s+/)
    const ring = this.#ring
    switch (verb) {
      case 'seed':
      case 'with':
        return this.#configure(verb, words)
      case 'ring':
        return this.#form(words)
      case 'given':
        return this.#given(line)
      case 'create':
        return this.#add(words, undefined)
      case 'process':
        return this.#process(words)
      case 'join':
      case 'restart':
        return this.#join(verb, words)
      case 'run':
        return ring.run(Number(words[0]))
      case 'settle':
        ring.settle(Number(words[0] ?? 5000), 10)
        return
      case 'kill':
      case 'vanish':
        ring.silentDeaths = verb === 'vanish'
        return words.forEach((word) => void ring.kill(this.#node(word).self.address))
      case 'leave':
        return words.forEach((word) => void ring.leave(this.#node(word).self.address))
      case 'hold':
        return void this.#holding.push(pattern(words))
      case 'lose':
        return void this.#losing.push(pattern(words))
      case 'deliver':
      case 'drop':
        return this.#release(pattern(words), verb === 'deliver')
      case 'release':
        return this.#releaseAll()
      case 'held':
        return this.#expectHeld(words)
      case 'cut':
        this.#sides = words
          .join(' ')
          .split('|')
          .map((side) => new Set(side.trim().split(/\s+/)))
        return
      case 'mend':
        this.#sides = []
        return
      case 'seeds':
        ring.seeds = words.map((word) => addressOf(idOf(word)))
        return
      case 'forget':
        this.#seen = ring.events.length
        return
      case 'event':
      case 'no':
        return this.#expectEvent(verb, words)
      case 'route':
        return this.#expectRoute(words)
      case 'ideal':
        return same(ring.flaws().join('; '), '')
      case 'gone':
        return words.forEach((word) => void same(this.#ring.live.has(liveKey(this.#node(word))), false))
      default:
        return this.#expectState(verb as string, words)
    }
  }

  #configure(verb: string, words: string[]): void {
    if (this.#nodes.size > 0) throw new Error('settings come before nodes')
    const settings = Object.fromEntries(words.map((word) => word.split('=') as [string, string]))
    const { services, onIsolated, ...numbers } = settings
    const config = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]))
    const seed = verb === 'seed' ? Number(words[0]) : 1
    const isolated = onIsolated === 'serve' ? ({ onIsolated } as const) : {}
    this.#ring = new SimRing(seed, verb === 'seed' ? {} : { ...config, ...isolated })
    this.#ring.servicesMs = Number(services ?? 0)
    this.#wire()
  }

  #wire(): void {
    const ring = this.#ring
    ring.holds = (from, to, message) => this.#holding.some((one) => matches(one, from, to, message.type))
    ring.filter = (from, to, message) => {
      const side = (address: string) => this.#sides.find((names) => names.has(address.slice(1)))
      if (side(from) !== side(to)) return false
      return !this.#losing.some((one) => matchesAddress(one, from, to, message.type))
    }
  }

  /** An ideal ring. */
  #form(words: string[]): void {
    const [first, ...rest] = words as [string, ...string[]]
    this.#add([first], undefined)
    for (const word of rest) this.#add([word], first)
    this.#ring.settle(20_000)
    this.#ring.run(10_000)
    this.#seen = this.#ring.events.length
  }

  #placements: { name: string; successors: string[]; predecessor: string | undefined; remembers: string[] }[] = []
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
    this.#ring.place(
      this.#placements.map(({ name, successors, predecessor, remembers }) => ({
        id: idOf(name),
        successors: successors.map(idOf),
        ...(predecessor !== undefined && { predecessor: idOf(predecessor) }),
        remembered: remembers.map(idOf),
      })),
    )
    for (const node of this.#ring.live.values()) this.#nodes.set(nameOf(node.self), node)
    this.#seen = this.#ring.events.length
  }

  /** `join 3 via 0`, `restart 3 via 0`, `restart 3 via 0 as 1`, `join 3 via 0 at n9`. */
  #join(verb: string, words: string[]): void {
    const [name, , via] = words as [string, string, string]
    if (verb === 'restart') {
      this.#ring.silentDeaths = false
      this.#ring.kill(addressOf(idOf(name)))
    }
    this.#add(words, via)
  }

  /** `process p of 1 5 9 via 0`: one process with several virtual nodes. */
  #process(words: string[]): void {
    const end = words.includes('via') ? words.indexOf('via') : words.length
    const via = words[end + 1]
    const address = `n${words[0]}`
    for (const [index, name] of words.slice(2, end).entries()) {
      const contact =
        index === 0 && via === undefined ? undefined : via === undefined ? address : this.#node(via).self.address
      this.#nodes.set(name, this.#ring.add(idOf(name), contact, address))
    }
  }

  #add(words: string[], via: string | undefined): void {
    const name = words[0] as string
    const option = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined)
    const incarnation = option('as')
    const contact = via === undefined ? undefined : this.#node(via).self.address
    const address = option('at') ?? addressOf(idOf(name))
    const node = this.#ring.add(
      idOf(name),
      contact,
      address,
      incarnation === undefined ? undefined : BigInt(incarnation),
    )
    this.#nodes.set(option('at') ?? name, node)
  }

  #release(which: Pattern, deliver: boolean): void {
    const index = this.#ring.held.findIndex(({ from, to, message }) => matches(which, from, to, message.type))
    if (index < 0) throw new Error('no such message is held')
    const [message] = this.#ring.held.splice(index, 1)
    if (deliver) message?.deliver()
  }

  #releaseAll(): void {
    this.#holding.length = 0
    this.#losing.length = 0
    for (const { deliver } of this.#ring.held.splice(0)) deliver()
  }

  /** `held grant from 4 to 3`; with `no` in front: `held no grant`. */
  #expectHeld(words: string[]): void {
    const no = words[0] === 'no'
    const which = pattern(no ? words.slice(1) : words)
    same(
      this.#ring.held.some(({ from, to, message }) => matches(which, from, to, message.type)),
      !no,
    )
  }

  /** `event 3: range (0,3] grant from 4` happened since `ring`, `forget` or the last `event` of it. */
  #expectEvent(verb: string, words: string[]): void {
    const [who, ...rest] = verb === 'no' ? words.slice(1) : words
    const wanted = rest.join(' ')
    const node = this.#node((who as string).replace(':', ''))
    const events = this.#ring.events.slice(this.#seen).filter(({ address }) => address === node.self.address)
    const shown = events.map(({ event }) => showEvent(event))
    const found = shown.some((event) => event === wanted || event.startsWith(`${wanted} `))
    if (found !== (verb === 'event')) throw new Error(`events of ${who}:\n    ${shown.join('\n    ')}`)
  }

  /** `route 1 from 0 ends at 2`, `route 1 from 0 unsettled`; with `final`, the first node is believed to own the key. */
  #expectRoute(words: string[]): void {
    const [key, , from] = words as [string, string, string]
    let node = this.#node(from)
    let final = words.includes('final')
    let finalSteps = 0
    const path = [from]
    for (let hops = 0; hops < 20; hops++) {
      const decision = route([node], idOf(key), final, finalSteps, 0)
      if (decision.kind !== 'forward') {
        const end = decision.kind === 'deliver' ? `ends at ${nameOf(decision.member.self)}` : decision.kind
        return same(
          `${end} (${path.join(' ')})`.startsWith(words.slice(words.includes('final') ? 4 : 3).join(' ')),
          true,
          `${end} by ${path.join(' ')}`,
        )
      }
      final = decision.final
      finalSteps = decision.finalSteps
      path.push(nameOf(decision.to))
      node = this.#node(nameOf(decision.to))
    }
    throw new Error(`no end: ${path.join(' ')}`)
  }

  /** `0: member succ 2 4 pred 4 range (4,0] epoch 3`, any of them. */
  #expectState(verb: string, words: string[]): void {
    if (!verb.endsWith(':')) throw new Error(`no such step: ${verb}`)
    const node = this.#node(verb.slice(0, -1))
    const rest = words.join(' ')
    const wanted =
      rest.match(
        /(succ|pred|range|epoch|heir|sole|new|joining|member|isolated|leaving|left)( [^a-z]\S*| [0-9a-f]\b)*/g,
      ) ?? []
    for (const part of wanted) {
      const field = part.split(' ')[0] as string
      same(showField(node, field), part)
    }
    if (wanted.join(' ') !== rest) throw new Error(`cannot read '${rest}'`)
  }

  #node(name: string): ChordNode {
    const node = this.#nodes.get(name)
    if (node === undefined) throw new Error(`no node ${name}`)
    return node
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

function showField(node: ChordNode, field: string): string {
  switch (field) {
    case 'succ':
      return `succ ${node.successors.map(nameOf).join(' ') || '-'}`
    case 'pred':
      return `pred ${node.predecessor === undefined ? '-' : nameOf(node.predecessor)}`
    case 'range':
      return `range ${showRange(node.range)}`
    case 'epoch':
      return `epoch ${node.epoch}`
    case 'heir':
      return node.core.heir ? 'heir' : 'no heir'
    case 'sole':
      return node.core.sole ? 'sole' : 'not sole'
    default:
      return node.status
  }
}

function showEvent(event: CoreEvent): string {
  switch (event.type) {
    case 'range': {
      const from = event.from === undefined ? '' : ` from ${nameOf(event.from)}`
      const to = event.to === undefined ? '' : ` to ${nameOf(event.to)}`
      return `range ${showRange(event.range)} ${event.cause}${from}${to}`
    }
    case 'predecessor':
    case 'successor':
      return `${event.type} ${event.current === undefined ? '-' : nameOf(event.current)}`
    case 'peerUp':
      return `up ${nameOf(event.peer)}`
    case 'peerDown':
      return `down ${nameOf(event.peer)} ${event.reason}`
    case 'state':
      return `state ${event.previous} ${event.current}`
    case 'staleIncarnation':
      return `${event.type} ${event.known}`
    default:
      return `${event.type} ${nameOf(event.peer)}`
  }
}

/** `grant from 4 to 3`, `* from 3`, `getNeighbors`. */
function pattern(words: string[]): Pattern {
  const option = (word: string) => (words.includes(word) ? (words[words.indexOf(word) + 1] as string) : '*')
  return { type: words[0] ?? '*', from: option('from'), to: option('to') }
}

function matches(one: Pattern, from: Peer, to: Peer, type: string): boolean {
  return matchesAddress(one, from.address, to.address, type)
}

function matchesAddress(one: Pattern, from: string, to: string, type: string): boolean {
  const fits = (wanted: string, address: string) => wanted === '*' || `n${wanted}` === address
  return (one.type === '*' || one.type === type) && fits(one.from, from) && fits(one.to, to)
}

function idOf(name: string): Id {
  return smallId(Number.parseInt(name, 16))
}

function nameOf(peer: Peer): string {
  return String(peer.id).replace(/^0+(?=.)/, '')
}

function showRange(range: Range | undefined): string {
  const short = (id: Id) => String(id).replace(/^0+(?=.)/, '')
  return range === undefined ? '-' : `(${short(range.after)},${short(range.upTo)}]`
}

function liveKey(node: ChordNode): string {
  return `${node.self.address}/${node.self.id}/${node.self.incarnation}`
}

function same(actual: unknown, expected: unknown, shown = String(actual)): void {
  if (actual !== expected) throw new Error(`is: ${shown}`)
}
