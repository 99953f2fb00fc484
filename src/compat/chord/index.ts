/**
 * The API of the package `chord` of 2013, as `chordhelper@1.0.0` ships it, over chordite. Programs run as they are; nodes of the
 * two do not understand each other on the wire. What is different stands in docs/migrating.md.
 */
import type { ChordNode } from '../../api.ts'
import { type ListenPort, nodeOptions, onMessageOf, portChecked } from './arguments.ts'
import { Client as ClientParty } from './client.ts'
import { hash } from './hash.ts'
import {
  add_exp,
  equal_to,
  in_half_open_range,
  in_range,
  type Key,
  less_than,
  less_than_or_equal,
  next_key,
} from './keys.ts'
import { Member } from './member.ts'
import type { OnMessage, Party, Reply } from './party.ts'
import type { From, Place } from './places.ts'

export type { From, Key, ListenPort, OnMessage, Place, Reply }
export { add_exp, equal_to, hash, in_half_open_range, in_range, less_than, less_than_or_equal, next_key }
export const key_equals = equal_to

/** What `Chord` and `Client` return. */
export interface SendMessage {
  /**
   * Sends a message: to the owner of the key `id`, or without one to the virtual node that `to` names. With a key, `to` is where it enters
   * the ring; by default here. The receiver's replies go to `reply_to`, by default to whoever sends. Falsy arguments count as left out.
   * Messages wait, within limits, until the ring has been joined; what cannot be delivered within 5 s is lost without a word.
   * Errors, all thrown at once: ERR_BAD_ADDRESS, ERR_BAD_BODY (no JSON), ERR_BAD_OPTION (the key), ERR_BUSY (too many messages wait),
   * ERR_CLOSED, ERR_PAYLOAD_TOO_LARGE.
   */
  (to: Place | From | null | undefined, id?: Key | null, message?: unknown, reply_to?: Place | From | null): void
  /** Lets the process end when nothing else keeps it. Until then messages still come and go; a member leaves its ring then. */
  close(): void
  /** Not in the original: leaves the ring and closes everything now. Sending throws ERR_CLOSED from then on. */
  leave(): Promise<void>
}

export interface ChordServer extends SendMessage {
  /** Not in the original: chordite's own API to the same node. */
  readonly node: ChordNode
}

/**
 * Starts `virtual_nodes` (1 to 256) nodes of a ring in this process, at a port (0 or none: any that is free) of all addresses of this machine,
 * and returns the function that sends messages. They make a ring of their own, or join that of the node at `node_to_join`,
 * which is tried for as long as it takes. A port that is taken is an uncaught exception.
 * Errors: ERR_BAD_ADDRESS, ERR_BAD_OPTION, ERR_NATIVE_UNAVAILABLE.
 */
export function Chord<M = unknown>(
  listen_port: ListenPort,
  virtual_nodes: number | string,
  node_to_join: Place | null | undefined,
  on_message?: OnMessage<M>,
): ChordServer
export function Chord<M = unknown>(
  listen_port: ListenPort,
  virtual_nodes: number | string,
  on_message?: OnMessage<M>,
): ChordServer
export function Chord(
  listen_port: ListenPort,
  virtual_nodes: number | string,
  join_or_on_message?: unknown,
  on_message?: unknown,
): ChordServer {
  const { join, onMessage } = onMessageOf(join_or_on_message, on_message)
  const member = new Member(nodeOptions(listen_port, virtual_nodes, join), onMessage)
  return Object.defineProperty(senderOf(member), 'node', { value: member.node }) as ChordServer
}

/**
 * Talks to rings without being in one: name a node as `to`. It listens nowhere, whatever `listen_port` says: replies come over the
 * connections that it makes, and what others send to it goes by way of the node that it came in by.
 * Errors: ERR_BAD_ADDRESS, ERR_BAD_OPTION.
 */
export function Client<M = unknown>(on_message?: OnMessage<M> | null, listen_port?: ListenPort): SendMessage {
  portChecked(listen_port)
  return senderOf(new ClientParty(onMessageOf(on_message, undefined).onMessage))
}

function senderOf(party: Party): SendMessage {
  const send = (to: unknown, id?: unknown, message?: unknown, reply_to?: unknown): void =>
    party.send(undefined, to, id, message, reply_to)
  return Object.assign(send, { close: () => party.close(), leave: () => party.leave() })
}

export default {
  Chord,
  Client,
  add_exp,
  equal_to,
  hash,
  in_half_open_range,
  in_range,
  key_equals,
  less_than,
  less_than_or_equal,
  next_key,
}
