/** Small simulated rings with everything that can happen to them, every step of which is checked. */
import type { Id } from '../../core/id.ts'
import { Id as IdClass } from '../../core/id.ts'
import type { Stream } from '../random.ts'
import { streamOf } from '../random.ts'
import { Simulation } from '../simulation.ts'
import { Refinement } from './observer.ts'

const LIFE_MS = 12_000
const PAUSE_MAX_MS = 1_500

/** Lists of 1 to 3, 2 to 6 processes that come and go, messages that get lost, doubled and out of order. */
export function checkedLife(seed: number): Refinement {
  const draw = streamOf(seed, 'refinement')
  const conditions = {
    lossPercent: draw.chance(50) ? draw.below(12) : 0,
    duplicatePercent: draw.chance(50) ? draw.below(20) : 0,
    reorderPercent: draw.chance(50) ? draw.below(60) : 0,
  }
  const config = { successors: 1 + draw.below(3), onIsolated: draw.chance(20) ? ('serve' as const) : ('wait' as const) }
  const addresses = Array.from({ length: 2 + draw.below(5) }, (_, n) => `n${n}`)
  const simulation = new Simulation({
    seed,
    config,
    conditions,
    servicesMs: draw.chance(50) ? 30 : 0,
    seeds: addresses,
  })
  const checked = new Refinement()
  simulation.observe(checked)
  simulation.start({ address: 'n0', ids: [idOf(draw)] })
  while (simulation.nowMs < LIFE_MS && checked.violations.length === 0) {
    happen(simulation, draw, addresses)
    simulation.run(draw.below(draw.chance(50) ? 40 : PAUSE_MAX_MS))
  }
  return checked
}

function happen(simulation: Simulation, draw: Stream, addresses: readonly string[]): void {
  const address = addresses[draw.below(addresses.length)] as string
  const living = addresses.filter((other) => simulation.isAlive(other))
  if (!simulation.isAlive(address)) {
    const via = living[draw.below(living.length)]
    const known = simulation.process(address)?.ids.length ?? 0
    if (known > 0) simulation.restart(address, via === undefined ? {} : { via })
    else simulation.start({ address, ids: [idOf(draw)], ...(via !== undefined && { via }) })
    return
  }
  const what = draw.below(12)
  if (living.length < 2) return
  if (what === 0) simulation.crash(address)
  else if (what === 1) simulation.vanish(address)
  else if (what <= 3) simulation.leave(address)
  else if (what === 4) simulation.reset(address, living.find((other) => other !== address) as string)
  else if (what === 5) simulation.cut([[address]])
  else if (what === 6) simulation.mend()
}

function idOf(draw: Stream): Id {
  return new IdClass(draw.nextUint32(), 0, 0, 0, 0)
}
