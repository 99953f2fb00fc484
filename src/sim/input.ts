/** What a core can be given, as data: what recorders keep, and checks of single steps look at. */
import type { ChordNode } from '../core/chord-node.ts'
import type { Message, Peer } from '../core/messages.ts'
import type { Cause } from './observer.ts'

export type Input =
  | { readonly kind: 'create' }
  | { readonly kind: 'join'; readonly contacts: readonly Peer[] }
  /** Put on the ring in the middle of its life: no input of the core. */
  | { readonly kind: 'placed'; readonly run: (node: ChordNode, nowMs: number) => void }
  | { readonly kind: 'message'; readonly from: Peer; readonly request: number; readonly message: Message }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'connectionLost' | 'refused' | 'departed' | 'silent'; readonly address: string }
  | { readonly kind: 'contact' | 'compareRings'; readonly peer: Peer }
  | { readonly kind: 'handedOver'; readonly token: number }
  | { readonly kind: 'leave' }

export function give(node: ChordNode, input: Input, nowMs: number): void {
  switch (input.kind) {
    case 'create':
      return node.create(nowMs)
    case 'join':
      return node.join(input.contacts, nowMs)
    case 'placed':
      return input.run(node, nowMs)
    case 'message':
      return node.handleMessage(input.from, input.request, input.message, nowMs)
    case 'timeout':
      return node.handleTimeout(nowMs)
    case 'connectionLost':
    case 'refused':
    case 'departed':
    case 'silent':
      return node[input.kind](input.address, nowMs)
    case 'contact':
    case 'compareRings':
      return node[input.kind](input.peer, nowMs)
    case 'handedOver':
      return node.handedOver(input.token, nowMs)
    case 'leave':
      return node.leave(nowMs)
    default:
      input satisfies never
  }
}

export function causeOf(input: Input): Cause {
  switch (input.kind) {
    case 'create':
    case 'join':
    case 'placed':
      return 'start'
    case 'message':
    case 'timeout':
    case 'leave':
      return input.kind
    case 'handedOver':
      return 'services'
    default:
      return 'network'
  }
}
