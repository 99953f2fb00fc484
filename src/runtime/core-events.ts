/** What cores report, as applications see it. */
import type { Member, NodeState, RangeChange } from '../api.ts'
import type { CoreEvent, CoreStatus } from '../core/output.ts'
import type { Emitter } from './events.ts'
import type { Handover } from './members.ts'

type RangeEvent = CoreEvent & { type: 'range' }

export function rangeChange(member: Member, event: RangeEvent): RangeChange {
  const change: RangeChange = {
    member,
    epoch: event.epoch,
    gained: event.gained,
    lost: event.lost,
    cause: event.cause,
  }
  if (event.range !== undefined) change.range = event.range
  if (event.from !== undefined) change.from = event.from
  if (event.to !== undefined) change.to = event.to
  return change
}

/** A change that is about to happen: the epoch is still that of before. */
export function plannedChange(member: Member, handover: Handover): RangeChange {
  const { to, lost, rest, cause } = handover
  const change: RangeChange = { member, epoch: member.epoch, gained: [], lost: [lost], to, cause }
  if (rest !== undefined) change.range = rest
  return change
}

/** All but ranges and states, which the node looks at itself. */
export function tell(emitter: Emitter, member: Member, event: CoreEvent): void {
  switch (event.type) {
    case 'predecessor':
    case 'successor': {
      const { previous, current } = event
      emitter.emit(event.type, {
        member,
        ...(previous === undefined ? {} : { previous }),
        ...(current === undefined ? {} : { current }),
      })
      return
    }
    case 'peerUp':
      return emitter.emit('peer:up', event.peer)
    case 'peerDown':
      return emitter.emit('peer:down', { peer: event.peer, reason: event.reason })
    case 'split':
      return emitter.emit('ring:split', { member, peer: event.peer })
    case 'merged':
      return emitter.emit('ring:merged', { member, peer: event.peer })
    case 'range':
    case 'state':
    case 'duplicate':
    case 'staleIncarnation':
      return
    default:
      event satisfies never
  }
}

/** The state of a node of these members; `left` when they all have gone. */
export function stateOf(statuses: readonly CoreStatus[]): NodeState | 'left' {
  if (statuses.every((status) => status === 'left')) return 'left'
  if (statuses.some((status) => status === 'leaving' || status === 'left')) return 'leaving'
  if (statuses.some((status) => status === 'isolated')) return 'isolated'
  return statuses.every((status) => status === 'member') ? 'member' : 'joining'
}
