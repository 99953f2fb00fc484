/**
 * Questions to members of another life at our own address. Where we listen there ourselves that life is over. Behind an
 * advertised address there may be another process, so it is dialed: it is us, nobody, or a twin that must be told.
 */
import type { Peer } from '../api.ts'
import type { Links } from './links.ts'
import type { Members } from './members.ts'
import type { Down } from './session.ts'

export class PastQuestions {
  /** Nobody else can be at our address. */
  isAlone = true
  readonly #o: { links: () => Links; members: () => Members }
  #waiting: { index: number; to: Peer; request: number }[] = []

  constructor(o: { links: () => Links; members: () => Members }) {
    this.#o = o
  }

  ask(index: number, to: Peer, request: number): void {
    if (this.isAlone) return this.#o.members().past(index, to, request)
    this.#waiting.push({ index, to, request })
    this.#o.links().open(to.address, 'reply')
  }

  /** Silence proves nothing: then the members count it as a miss. */
  sessionDown({ address, cause, rejection }: Down): void {
    const answered = this.#waiting.filter(({ to }) => to.address === address)
    if (answered.length === 0) return
    this.#waiting = this.#waiting.filter(({ to }) => to.address !== address)
    if (rejection !== 'self' && cause !== 'refused') return
    for (const { index, to, request } of answered) this.#o.members().past(index, to, request)
  }
}
