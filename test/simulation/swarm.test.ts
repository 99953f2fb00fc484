/** What the seeds draw: the same each time, all there is to draw, and each only a part of it. */
import { describe, expect, it } from 'vitest'
import { parseAction, planToText } from '../../src/sim/scenario-text.ts'
import { checkSettings, configOf, networkOf } from '../../src/sim/settings.ts'
import { swarm } from '../../src/sim/swarm.ts'

const SEEDS = Array.from({ length: 1000 }, (_, i) => i + 1)

describe('a seed', () => {
  it('draws the same plan each time, and another draws another', () => {
    expect(swarm(17)).toEqual(swarm(17))
    expect(new Set(SEEDS.map((seed) => JSON.stringify(swarm(seed).actions))).size).toBe(SEEDS.length)
  })

  it('draws settings that mean something', () => {
    for (const seed of SEEDS) {
      const { settings } = swarm(seed)
      checkSettings(settings)
      const config = configOf(settings)
      for (const name of ['stabilize', 'probe', 'fingers', 'rejoin'] as const) {
        expect(config[`${name}MinMs`]).toBeLessThanOrEqual(config[`${name}MaxMs`])
      }
      expect(networkOf(settings).delay).toBeDefined()
    }
  })

  it('is a text, and the text is the plan', () => {
    for (const seed of SEEDS.slice(0, 200)) {
      const plan = swarm(seed)
      const lines = planToText(plan).split('\n')
      const actions = lines.slice(lines.indexOf('watch') + 1, lines.indexOf('heals'))
      expect(actions.map((line) => parseAction(line, (name) => name))).toEqual(plan.actions)
    }
  })
})

describe('a thousand seeds', () => {
  it('do everything that can be done', () => {
    const verbs = new Set(SEEDS.flatMap((seed) => swarm(seed).actions.map(({ verb }) => verb)))
    const all = 'run start restart kill vanish leave pause resume clock link network cut block mend clog unclog reset'
    for (const verb of [...all.split(' '), 'stateFile', 'stopAt', 'seeds']) expect(verbs).toContain(verb)
  })

  it('have clocks that are ahead, and clocks that are behind', () => {
    const offsets = SEEDS.flatMap((seed) => swarm(seed).actions.flatMap((a) => (a.verb === 'clock' ? a.offsetMs : [])))
    expect(Math.min(...offsets)).toBeLessThan(-1_000_000)
    expect(Math.max(...offsets)).toBeGreaterThan(1_000_000)
  })

  it('have rings of 1 to more than 100 processes, most of them small', () => {
    const sizes = SEEDS.map(
      (seed) => new Set(swarm(seed).actions.flatMap((a) => (a.verb === 'start' ? a.process : []))),
    )
    const counts = sizes.map(({ size }) => size)
    expect(Math.min(...counts)).toBeLessThanOrEqual(2)
    expect(Math.max(...counts)).toBeGreaterThan(100)
    expect(counts.filter((count) => count <= 20).length).toBeGreaterThan(600)
  })

  it('do only a few things each', () => {
    const kinds = SEEDS.map((seed) => new Set(swarm(seed).actions.map(({ verb }) => verb)).size)
    const mean = kinds.reduce((a, b) => a + b) / kinds.length
    expect(mean).toBeGreaterThan(4)
    expect(mean).toBeLessThan(9)
  })
})
