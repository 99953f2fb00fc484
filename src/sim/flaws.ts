/** What an ideal ring is: everybody in it, in order, with the right neighbors and ranges. */
import type { SimMember } from './observer.ts'

/** What is not so, of live members in ring order; empty when all is well. */
export function flawsOf(members: readonly Pick<SimMember, 'node'>[]): string[] {
  const flaws: string[] = []
  for (const [index, { node }] of members.entries()) {
    const { id } = node.self
    const next = members[(index + 1) % members.length]!.node.self
    const previous = members[(index + members.length - 1) % members.length]!.node.self
    if (members.length === 1) {
      if (!node.core.sole) flaws.push(`${id} is alone and does not know`)
    } else {
      const [first] = node.successors
      if (first?.id !== next.id && !first?.id.equals(next.id))
        flaws.push(`${id}: successor ${first?.id} is not ${next.id}`)
      if (!node.predecessor?.id.equals(previous.id)) {
        flaws.push(`${id}: predecessor ${node.predecessor?.id} is not ${previous.id}`)
      }
    }
    if (!node.range?.after.equals(previous.id))
      flaws.push(`${id}: range after ${node.range?.after} is not ${previous.id}`)
    if (node.status !== 'member') flaws.push(`${id} is ${node.status}`)
  }
  return flaws
}
