/** `chordite check refinement`: what cores do are steps of the model, and the model's steps those of the shared-state model. */
import type { Check, Outcome } from '../model/outcome.ts'
import { atomicRuns } from './atomic.ts'
import { checkedLife } from './lives.ts'

export { Refinement } from './observer.ts'

const LIVES = 60

export const refinement: Check = {
  name: 'refinement',
  about:
    'every step of cores in small simulated rings is one of a message-passing model, and these are steps of `ours`',
  run({ limit, with: on, without }, report): Outcome {
    for (const name of [...(on ?? []), ...(without ?? [])]) throw new Error(`nothing to switch: ${name}`)
    let steps = 0
    const violations: Outcome['violations'][number][] = []
    let lives = 0
    while (lives < LIVES && violations.length === 0 && steps < (limit ?? Number.POSITIVE_INFINITY)) {
      const checked = checkedLife(++lives)
      steps += checked.steps
      for (const { address, step, what } of checked.violations.slice(0, 1)) {
        violations.push({ property: `life ${lives}`, steps: [{ step: `${step} at ${address}`, state: what }] })
      }
      report({ states: steps, depth: lives })
    }
    const atomic = [atomicRuns(4, [0, 2]), atomicRuns(4, [0, 1, 2])]
    for (const { violation } of atomic) {
      if (violation === undefined) continue
      const { step, before, after } = violation
      violations.push({
        property: 'no way in the model `ours`',
        steps: [
          { step: 'before', state: before },
          { step, state: after },
        ],
      })
    }
    const sum = (of: (one: (typeof atomic)[number]) => number) => atomic.reduce((total, one) => total + of(one), 0)
    return {
      name: 'refinement',
      states: steps,
      transitions: steps + sum(({ operations }) => operations),
      depth: lives,
      complete: lives === LIVES,
      violations,
      notes: [
        `${lives} lives of small rings: each of ${steps} steps of their cores is a step of the model`,
        `${sum(({ operations }) => operations)} operations, one at a time, from ${sum(({ quiet }) => quiet)} quiet states: each is at most ${Math.max(...atomic.map(({ stepsMax }) => stepsMax))} steps of \`ours\``,
      ],
    }
  },
}
