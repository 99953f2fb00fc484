/** What is planned for whole arcs of the ring is what is decided for each key in them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_ARC } from '../../src/core/arc-table.ts'
import { ChordNode } from '../../src/core/chord-node.ts'
import { DEFAULT_TIMING } from '../../src/core/config.ts'
import { Id } from '../../src/core/id.ts'
import type { Peer } from '../../src/core/messages.ts'
import { decide } from '../../src/core/router.ts'
import { planRoutes, type RoutePlan, WAYS_MAX, type Way } from '../../src/runtime/route-plan.ts'
import { anyArcs, keysAround } from '../core/arcs.ts'
import { anyId } from '../core/id-reference.ts'

const config = { ...DEFAULT_TIMING, successors: 8, onIsolated: 'wait' as const, rememberedPeers: 64 }
const random = { nextUint32: () => 0 }

/** What one member knows: by numbers of peers. */
interface Knowledge {
  successors: number[]
  fingers: number[]
  predecessor: number | undefined
  rangeFrom: number | undefined
  suspects: number[]
}

const some = fc.array(fc.nat(200), { maxLength: 10 })
const anyKnowledge: fc.Arbitrary<Knowledge> = fc.record({
  successors: some,
  fingers: some,
  predecessor: fc.option(fc.nat(200), { nil: undefined }),
  rangeFrom: fc.option(fc.nat(200), { nil: undefined }),
  suspects: fc.array(fc.nat(200), { maxLength: 3 }),
})

/** Up to four virtual nodes of one process among up to sixty ids, many of them close together. */
const anyMembers = fc
  .tuple(
    anyArcs.filter(({ ends }) => ends.length > 0),
    fc.array(anyKnowledge, { minLength: 1, maxLength: 4 }),
    fc.nat(3),
  )
  .map(([{ ends }, knowledge, sharing]) => {
    const own = knowledge.slice(0, ends.length)
    const peers = ends.map((id, i): Peer => {
      // Some of the others share an address, too.
      const address = i < own.length ? 'self' : `peer ${sharing > 1 ? i >> 1 : i}`
      return { id, address, incarnation: BigInt(i) }
    })
    return { ends, members: own.map((known, i) => memberOf(peers, i, known)) }
  })

function memberOf(peers: readonly Peer[], index: number, known: Knowledge): ChordNode {
  const self = peers[index]!
  const node = new ChordNode({ self, config, random })
  const { core } = node
  const others = peers.filter((peer) => peer !== self)
  const pick = (n: number) => others[n % others.length]!
  if (others.length === 0) return node
  const byDistance = (a: Peer, b: Peer) => self.id.distanceTo(a.id).compare(self.id.distanceTo(b.id))
  core.successors = [...new Set(known.successors.map(pick))].sort(byDistance)
  for (const n of known.fingers) core.fingers.cover(self.id, pick(n), 0)
  if (known.predecessor !== undefined) core.predecessor = pick(known.predecessor)
  if (known.rangeFrom !== undefined) core.range = { after: pick(known.rangeFrom).id, upTo: self.id }
  for (const n of known.suspects) core.detector.miss(pick(n), 0, 0)
  return node
}

/** By the router itself, each way once; none unless the first is one. */
function expected(members: readonly ChordNode[], key: Id): string[] {
  const ways = Array.from({ length: WAYS_MAX }, (_, attempt) => {
    const decision = decide(members, key, false, 0, attempt)
    return decision.kind === 'forward' ? nameOf(decision) : undefined
  })
  if (ways[0] === undefined) return []
  return [...new Set(ways)].filter((way) => way !== undefined)
}

const nameOf = ({ to, final, finalSteps }: Way) => `${to.address} ${final} ${final ? finalSteps : 0}`

function planned({ arcs, rows }: RoutePlan, key: Id): string[] {
  const number = arcs.find(key)
  return number === NO_ARC ? [] : rows[number]!.map(nameOf)
}

describe('a plan of routes', () => {
  it('says of each key what the router decides, with doubts, several members, and close ids', () => {
    fc.assert(
      fc.property(anyMembers, fc.array(anyId, { maxLength: 20 }), ({ members, ends }, anywhere) => {
        const plan = planRoutes(members)
        for (const key of [...anywhere, ...keysAround(ends)]) expect(planned(plan, key)).toEqual(expected(members, key))
      }),
      { numRuns: 300 },
    )
  })

  it('is small: no row twice', () => {
    fc.assert(
      fc.property(anyMembers, ({ members }) => {
        const rows = planRoutes(members).rows.map((row) => row.map(nameOf).join())
        expect(new Set(rows).size).toBe(rows.length)
      }),
      { numRuns: 50 },
    )
  })

  it('knows no way where nobody is known', () => {
    const alone = memberOf([{ id: Id.hash('a'), address: 'self', incarnation: 0n }], 0, {} as Knowledge)
    expect(planned(planRoutes([alone]), Id.hash('b'))).toEqual([])
  })
})
