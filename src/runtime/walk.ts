/** An iterative look-up on behalf of a client, which itself cannot ask members for the way. */
import type { MessageType, Owner } from '../api.ts'
import { Id } from '../core/id.ts'
import { json } from './values.ts'

interface Question {
  key: string
  timeoutMs: number
}

interface Answer {
  id: string
  address: string
  incarnation: string
  after: string
  epoch: string
  hops: number
}

export const WALK: MessageType<Question, Answer> = { name: 'chordite.walk', request: json(), reply: json() }

export function walkAnswer({ owner, range, epoch, hops }: Owner): Answer {
  return {
    id: String(owner.id),
    address: owner.address,
    incarnation: String(owner.incarnation),
    after: String(range.after),
    epoch: String(epoch),
    hops,
  }
}

export function ownerOf(answer: Answer): Owner {
  const id = Id.parse(answer.id)
  return {
    owner: { id, address: answer.address, incarnation: BigInt(answer.incarnation) },
    range: { after: Id.parse(answer.after), upTo: id },
    epoch: BigInt(answer.epoch),
    hops: answer.hops + 1,
  }
}
