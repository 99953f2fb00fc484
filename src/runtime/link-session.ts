/** The connection layer's own side of a `Session`, from dial or accept until the link has closed. */
import type { Id, Peer } from '../api.ts'
import type { Link } from '../transports/transport.ts'
import type { FragmentCutter } from '../wire/fragments.ts'
import type { HeadLog } from './head-log.ts'
import type { DownCause, Purpose, Rejection, Session } from './session.ts'

export class LinkSession implements Session {
  readonly link: Link
  role: 'member' | 'client' = 'client'
  address = ''
  observedHost: string
  incarnations: readonly bigint[] = []
  ids: readonly Id[] = []
  peers: readonly Peer[] = []
  purpose: Purpose
  awaited = 0
  passed: HeadLog | undefined = undefined
  streams = 0
  heardPeriod = 0
  heardPassed = 0
  handedPassed = 0

  /** The dial that this link belongs to, until its hello. */
  dial: Dial | undefined
  /** The address that was dialed, which need not be the advertised one. */
  readonly dialed: string | undefined
  /** Both hellos are through. */
  greeted = false
  /** Told `sessionUp` and not yet `sessionDown`. */
  announced = false
  /** What `sessionDown` will say when the link has closed, if we know better than the transport. */
  cause: DownCause | undefined
  rejection: Rejection | undefined
  /** It was told as one that leaves or closes. */
  isParting = false
  /** Ends a handshake, or a goodbye, that takes too long. */
  timer: Disposable | undefined
  /** Grows with each use, over all sessions. */
  lastUsed = 0
  /** `lastUsed` as the last sweep saw it, and when that was first so. */
  sweptUse = -1
  idleSinceMs = 0
  /** Large messages, in order; the first is being sent. */
  readonly large: FragmentCutter[] = []
  largeBytes = 0
  largeNumber = 0
  #up = false
  /** What the transport had passed on over it by itself when that was last looked at. */
  #passed = 0

  constructor(link: Link, purpose: Purpose, dial?: Dial) {
    this.link = link
    this.observedHost = link.remoteHost
    this.purpose = purpose
    this.dial = dial
    this.dialed = dial?.address
  }

  get up(): boolean {
    return this.#up
  }

  /** Frames by key may go there for as long as it is; those of a member that come from it may be passed on even after a goodbye. */
  set up(up: boolean) {
    this.#up = up
    this.link.routable?.(this.role === 'member', up)
  }

  /** Whether the transport has passed on frames by itself since this was asked last: that is use too. */
  takePassed(): boolean {
    const passed = (this.link.passedIn ?? 0) + (this.link.passedOut ?? 0)
    if (passed === this.#passed) return false
    this.#passed = passed
    return true
  }

  /** `sessionDown` is told. */
  ended(cause: DownCause): void {
    this.announced = false
    this.isParting = cause === 'leaving'
  }

  stopTimer(): void {
    this.timer?.[Symbol.dispose]()
    this.timer = undefined
  }
}

/** An attempt to reach an address, over all the hosts that its name stands for. */
export interface Dial {
  readonly address: string
  purpose: 'routing' | 'reply'
  port: number
  /** Still to try. */
  hosts: string[]
  /** The attempt under way. */
  session: LinkSession | undefined
  /** The weightiest failure so far. */
  cause: DownCause
  rejection: Rejection | undefined
  /** Frames to send once it is up. */
  readonly frames: Uint8Array[]
  queuedBytes: number
}

export function newDial(address: string, purpose: 'routing' | 'reply'): Dial {
  const nothing = { hosts: [], session: undefined, rejection: undefined, frames: [] }
  return { address, purpose, port: 0, cause: 'refused', queuedBytes: 0, ...nothing }
}

/** Of several hosts one counts: a refused hello says more than silence, silence more than nobody listening. */
export function noteFailure(dial: Dial, cause: DownCause, rejection: Rejection | undefined): void {
  if (WEIGHT.indexOf(cause) < WEIGHT.indexOf(dial.cause)) return
  dial.cause = cause
  dial.rejection = rejection
}

const WEIGHT: readonly DownCause[] = ['refused', 'unreachable', 'rejected']
