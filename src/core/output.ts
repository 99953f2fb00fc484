/** What a core wants done. The runtime drains these after every input; the core itself does nothing. */
import type { Boundary, Message, Peer, Range } from './messages.ts'

export type DownReason = 'refused' | 'timeout' | 'restarted' | 'left'
export type RangeCause = 'grant' | 'takeover' | 'leave' | 'create' | 'merge'

export type CoreEvent =
  | {
      readonly type: 'range'
      readonly range: Range | undefined
      readonly epoch: bigint
      readonly gained: readonly Range[]
      readonly lost: readonly Range[]
      readonly from: Peer | undefined
      readonly to: Peer | undefined
      readonly cause: RangeCause
    }
  | { readonly type: 'predecessor'; readonly previous: Peer | undefined; readonly current: Peer | undefined }
  | { readonly type: 'successor'; readonly previous: Peer | undefined; readonly current: Peer | undefined }
  | { readonly type: 'peerUp'; readonly peer: Peer }
  | { readonly type: 'peerDown'; readonly peer: Peer; readonly reason: DownReason }
  | { readonly type: 'split'; readonly peer: Peer }
  | { readonly type: 'merged'; readonly peer: Peer }
  | { readonly type: 'state'; readonly previous: CoreStatus; readonly current: CoreStatus }
  /** A live node has our id: this one must not join. Terminal. */
  | { readonly type: 'duplicate'; readonly peer: Peer }
  /** A later incarnation of us is remembered: start again above this one. */
  | { readonly type: 'staleIncarnation'; readonly known: bigint }

/** `new` → `joining` → `member` ⇄ `isolated`; `leaving` → `left`. */
export type CoreStatus = 'new' | 'joining' | 'member' | 'isolated' | 'leaving' | 'left'

export type Output =
  /** `request` numbers a question and its answer; 0 for one-way messages. */
  | { readonly kind: 'send'; readonly to: Peer; readonly request: number; readonly message: Message }
  | { readonly kind: 'event'; readonly event: CoreEvent }
  /** Look up the seeds again and tell the core of each that answers, by `contact`. */
  | { readonly kind: 'seeds' }
  /** Let the services prepare and transfer `lost`, then call `handedOver(token)`; always, within `handoverMs`. */
  | {
      readonly kind: 'handover'
      readonly token: number
      readonly to: Peer
      readonly lost: Range
      readonly rest: Range | undefined
      readonly cause: 'grant' | 'leave'
    }

export type { Boundary }
