/** How scenarios name nodes, ranges, events and messages. */
import type { ChordNode } from '../core/chord-node.ts'
import type { Id } from '../core/id.ts'
import type { Peer, Range } from '../core/messages.ts'
import type { CoreEvent } from '../core/output.ts'

/** Messages of a type, or `*`, between processes, or `*`. */
export interface Pattern {
  readonly type: string
  readonly from: string
  readonly to: string
}

/** `grant from 4 to 3`, `* from 3`, `getNeighbors`. */
export function patternOf(words: readonly string[]): Pattern {
  const option = (word: string) => (words.includes(word) ? (words[words.indexOf(word) + 1] as string) : '*')
  return { type: words[0] ?? '*', from: option('from'), to: option('to') }
}

/** `address`: where those named live. */
export function matches(
  { type, from, to }: Pattern,
  sent: { readonly from: string; readonly to: string; readonly type: string },
  address: (name: string) => string,
): boolean {
  const fits = (name: string, actual: string) => name === '*' || address(name) === actual
  return (type === '*' || type === sent.type) && fits(from, sent.from) && fits(to, sent.to)
}

export function shortId(id: Id): string {
  return String(id).replace(/^0+(?=.)/, '')
}

export function showPeer(peer: Peer): string {
  return shortId(peer.id)
}

export function showRange(range: Range | undefined): string {
  return range === undefined ? '-' : `(${shortId(range.after)},${shortId(range.upTo)}]`
}

/** `field` is one of those in the README of the scenarios; anything else is the status. */
export function showField(node: ChordNode, field: string): string {
  switch (field) {
    case 'succ':
      return `succ ${node.successors.map(showPeer).join(' ') || '-'}`
    case 'pred':
      return `pred ${node.predecessor === undefined ? '-' : showPeer(node.predecessor)}`
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

export function showEvent(event: CoreEvent): string {
  switch (event.type) {
    case 'range': {
      const from = event.from === undefined ? '' : ` from ${showPeer(event.from)}`
      const to = event.to === undefined ? '' : ` to ${showPeer(event.to)}`
      return `range ${showRange(event.range)} ${event.cause}${from}${to}`
    }
    case 'predecessor':
    case 'successor':
      return `${event.type} ${event.current === undefined ? '-' : showPeer(event.current)}`
    case 'peerUp':
      return `up ${showPeer(event.peer)}`
    case 'peerDown':
      return `down ${showPeer(event.peer)} ${event.reason}`
    case 'state':
      return `state ${event.previous} ${event.current}`
    case 'staleIncarnation':
      return `${event.type} ${event.known}`
    default:
      return `${event.type} ${showPeer(event.peer)}`
  }
}
