import { describe, expect, it } from 'vitest'
import { Id } from '../../src/core/id.ts'
import type { CoreEvent } from '../../src/core/output.ts'
import type { Fault, Flight } from '../../src/sim/observer.ts'
import { placeIdeal } from '../../src/sim/placement.ts'
import { Simulation, type SimulationOptions } from '../../src/sim/simulation.ts'

/** Everything that was seen. */
class Witness {
  readonly sent: Flight[] = []
  readonly landed: { flight: Flight; how: string; atMs: number }[] = []
  readonly events: { address: string; event: CoreEvent }[] = []
  readonly faults: Fault[] = []
  readonly stopped: string[] = []
  readonly causes: { address: string; cause: string; atMs: number }[] = []

  constructor(simulation: Simulation) {
    simulation.observe({
      sent: (flight) => void this.sent.push(flight),
      landed: (flight, how) => void this.landed.push({ flight, how, atMs: simulation.nowMs }),
      event: ({ process }, event) => void this.events.push({ address: process.address, event }),
      fault: (fault) => void this.faults.push(fault),
      stopped: ({ process }, how) => void this.stopped.push(`${process.address} ${how}`),
      stepped: ({ process }, cause) =>
        void this.causes.push({ address: process.address, cause, atMs: simulation.nowMs }),
    })
  }

  arrivals(from: string, to: string) {
    return this.landed.filter(({ flight }) => flight.from.address === from && flight.to.address === to)
  }

  of(address: string, type: CoreEvent['type']) {
    return this.events.filter((one) => one.address === address && one.event.type === type).map(({ event }) => event)
  }
}

/** n0, n1, … in ring order. */
const idAt = (n: number) => new Id(0x10000000 * n, 0, 0, 0, 0)

function ring(nodes: number, o: SimulationOptions = {}): [Simulation, Witness] {
  const simulation = new Simulation(o)
  const witness = new Witness(simulation)
  placeIdeal(simulation, { nodes: Array.from({ length: nodes }, (_, i) => ({ id: idAt(i), address: `n${i}` })) })
  return [simulation, witness]
}

describe('a link', () => {
  const delays = (delay: NonNullable<SimulationOptions['conditions']>['delay'] & object) => {
    const [simulation, witness] = ring(6, { conditions: { delay, reorderPercent: 100 } })
    simulation.run(120_000)
    return witness.landed.map(({ flight, atMs }) => atMs - flight.atMs).sort((a, b) => a - b)
  }
  const at = (sorted: number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))]!

  it('takes a constant time, or one between two', () => {
    expect(new Set(delays({ kind: 'constant', ms: 7 }).map(Math.round))).toEqual(new Set([7]))
    const uniform = delays({ kind: 'uniform', minMs: 10, maxMs: 20 })
    expect(at(uniform, 0)).toBeGreaterThanOrEqual(10)
    expect(at(uniform, 1)).toBeLessThan(20)
    expect(at(uniform, 0.5)).toBeCloseTo(15, 0)
  })

  it('or has a heavy tail, or two humps, or a place in space', () => {
    const heavy = delays({ kind: 'heavy', medianMs: 10 })
    expect(at(heavy, 0.5)).toBeGreaterThan(9)
    expect(at(heavy, 0.5)).toBeLessThan(11)
    expect(at(heavy, 0.995)).toBeGreaterThan(90)
    const far = delays({ kind: 'bimodal', nearMs: 2, farMs: 100, farPercent: 10 })
    const share = far.filter((ms) => ms > 50).length / far.length
    expect(share).toBeGreaterThan(0.07)
    expect(share).toBeLessThan(0.13)
    const placed = delays({ kind: 'placed', ms: (from, to) => Math.abs(Number(from.slice(1)) - Number(to.slice(1))) })
    expect(new Set(placed.map(Math.round))).toEqual(
      new Set([1, 2, 3, 4, 5].filter((d) => placed.map(Math.round).includes(d))),
    )
  })

  it('keeps the order of messages, but for those that do not', () => {
    const overtaken = (reorderPercent: number) => {
      const [simulation, witness] = ring(4, {
        conditions: { delay: { kind: 'uniform', minMs: 1, maxMs: 400 }, reorderPercent },
      })
      simulation.run(60_000)
      const last = new Map<string, number>()
      return witness.landed.filter(({ flight }) => {
        const key = `${flight.from.address} ${flight.to.address}`
        const before = last.get(key) ?? -1
        last.set(key, Math.max(before, flight.id))
        return flight.id < before
      }).length
    }
    expect(overtaken(0)).toBe(0)
    expect(overtaken(50)).toBeGreaterThan(20)
  })

  it('loses and doubles messages, so many in a hundred', () => {
    const [simulation, witness] = ring(8, { conditions: { lossPercent: 10, duplicatePercent: 20 } })
    simulation.run(120_000)
    const kinds = (kind: string) => witness.faults.filter((fault) => fault.kind === kind).length
    const originals = witness.sent.length - kinds('duplicate')
    expect(kinds('loss') / originals).toBeCloseTo(0.1, 1)
    expect(kinds('duplicate') / originals).toBeCloseTo(0.18, 1)
    expect(witness.landed.filter(({ how }) => how === 'lost').length).toBe(kinds('loss'))
    expect(simulation.flaws()).toEqual([])
  })

  it('may be worse than others, one way', () => {
    const [simulation, witness] = ring(3)
    simulation.link('n0', 'n1', { lossPercent: 100 })
    simulation.run(3_000)
    const lost = witness.landed.filter(({ how }) => how === 'lost').map(({ flight }) => flight)
    expect(lost.length).toBeGreaterThan(3)
    for (const { from, to } of lost) expect([from.address, to.address]).toEqual(['n0', 'n1'])
  })

  it('clogged, holds everything back, and then delivers it in order', () => {
    const [simulation, witness] = ring(3)
    simulation.run(1_000)
    simulation.clog('n0', 'n1')
    const since = witness.landed.length
    simulation.run(2_000)
    const held = witness.sent.filter(
      ({ atMs, from, to }) => atMs >= 1_000 && from.address === 'n0' && to.address === 'n1',
    )
    expect(witness.landed.slice(since).filter(({ flight }) => held.includes(flight))).toEqual([])
    simulation.unclog('n0', 'n1')
    simulation.run(0)
    const arrived = witness.landed.slice(since).filter(({ flight }) => held.includes(flight))
    expect(arrived.map(({ flight }) => flight.id)).toEqual(held.map(({ id }) => id))
    expect(held.length).toBeGreaterThan(0)
  })

  it('reset, loses what is under way, and both ends hear of it', () => {
    const [simulation, witness] = ring(3, { conditions: { delay: { kind: 'constant', ms: 50 } } })
    while (witness.sent.length === 0) simulation.run(1)
    const [flight] = witness.sent as [Flight]
    const { address: from } = flight.from
    const { address: to } = flight.to
    simulation.reset(from, to)
    simulation.run(100)
    expect(witness.landed.find((one) => one.flight === flight)?.how).toBe('lost')
    const heard = witness.causes.filter(({ cause }) => cause === 'network').map(({ address }) => address)
    expect(heard.sort()).toEqual([from, to].sort())
  })

  it('flips bits: what the codec reads is delivered, all else breaks the connection', () => {
    const [simulation, witness] = ring(6, { conditions: { corruptPercent: 5 } })
    simulation.run(60_000)
    const kinds = witness.faults.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'corrupt').length).toBeGreaterThan(5)
    expect(kinds.filter((kind) => kind === 'garbled').length).toBeGreaterThan(5)
    simulation.conditions({ corruptPercent: 0 })
    simulation.settle(60_000)
  })
})

describe('the network', () => {
  it('falls apart into sides, and heals', () => {
    const [simulation, witness] = ring(8)
    simulation.cut([
      ['n0', 'n1', 'n2'],
      ['n3', 'n4'],
    ])
    simulation.run(10_000)
    const side = (address: string) =>
      ['n0', 'n1', 'n2'].includes(address) ? 0 : ['n3', 'n4'].includes(address) ? 1 : 2
    for (const { flight, how } of witness.landed) {
      if (side(flight.from.address) !== side(flight.to.address)) expect(how).toBe('lost')
    }
    expect(simulation.flaws()).not.toEqual([])
    simulation.mend()
    simulation.settle(60_000)
  })

  it('may be one-way, and need not be transitive', () => {
    const [simulation, witness] = ring(4)
    simulation.block(['n0'], ['n1'])
    simulation.run(20_000)
    const delivered = (from: string, to: string) =>
      witness.arrivals(from, to).some(({ how, atMs }) => how === 'delivered' && atMs > 0)
    expect([delivered('n0', 'n1'), delivered('n1', 'n0')]).toEqual([false, true])
    expect([delivered('n0', 'n2'), delivered('n2', 'n1')]).toEqual([true, true])
    simulation.mend()
    simulation.settle(60_000)
  })
})

describe('a process', () => {
  it('that crashes is refused by its machine; one that vanishes is silent', () => {
    for (const [how, heard] of [
      ['crash', 'refused'],
      ['vanish', 'timeout'],
    ] as const) {
      const [simulation, witness] = ring(4)
      simulation.run(2_000)
      simulation[how]('n2')
      simulation.settle(20_000)
      const [down] = witness.of('n1', 'peerDown') as (CoreEvent & { type: 'peerDown' })[]
      expect(down?.reason).toBe(heard)
    }
  })

  it('that pauses lets time pass, and then does what has waited', () => {
    const [simulation, witness] = ring(4)
    simulation.run(1_000)
    simulation.pause('n1')
    simulation.run(2_000)
    expect(witness.causes.filter(({ address, atMs }) => address === 'n1' && atMs > 1_000)).toEqual([])
    simulation.resume('n1')
    simulation.run(0)
    const causes = witness.causes
      .filter(({ address, atMs }) => address === 'n1' && atMs > 1_000)
      .map(({ cause }) => cause)
    expect(causes).toContain('message')
    simulation.settle(20_000)
  })

  it('may be slow or fast in what it takes for a second', () => {
    const rounds = (rate: number) => {
      const [simulation, witness] = ring(4)
      simulation.clock('n1', { rate })
      simulation.run(100_000)
      expect(simulation.flaws()).toEqual([])
      return witness.sent.filter(({ from, message }) => from.address === 'n1' && message.type === 'notify').length
    }
    const usual = rounds(1)
    expect(rounds(0.5) / usual).toBeCloseTo(0.5, 1)
    expect(rounds(2) / usual).toBeCloseTo(2, 0)
    expect(rounds(1.0001)).toBeGreaterThan(0)
  })

  it('that leaves tells everybody, also when all its neighbors do', () => {
    const [simulation, witness] = ring(8)
    simulation.run(1_000)
    for (const address of ['n2', 'n3', 'n4']) simulation.leave(address)
    simulation.settle(5_000)
    expect(witness.stopped.sort()).toEqual(['n2 left', 'n3 left', 'n4 left'])
  })

  it.each(['services', 'telling'] as const)('dies when a hand-over comes to %s', (phase) => {
    const [simulation, witness] = ring(4, { servicesMs: 20 })
    simulation.run(3_000)
    simulation.stopAt('n2', phase)
    simulation.start({ address: 'new', ids: [new Id(0x18000000, 0, 0, 0, 0)], via: 'n0' })
    simulation.run(3_000)
    expect(witness.stopped).toEqual(['n2 crashed'])
    expect(witness.faults.map(({ kind }) => kind)).toContain('stop-at')
    const granted = witness.sent.some(({ from, message }) => from.address === 'n2' && message.type === 'grant')
    expect(granted).toBe(phase === 'telling')
    simulation.settle(30_000)
  })
})

describe('a process that starts again', () => {
  /** Five of them, with state files that have been written. */
  function formed(): [Simulation, Witness] {
    const simulation = new Simulation()
    const witness = new Witness(simulation)
    for (let i = 0; i < 5; i++) simulation.start({ address: `n${i}`, ids: [idAt(i)], ...(i > 0 && { via: 'n0' }) })
    simulation.run(40_000)
    return [simulation, witness]
  }
  const incarnation = (simulation: Simulation, address: string) =>
    simulation.at(address)[0]?.node.self.incarnation ?? 0n

  it('counts on from its state file, and finds its way by it', () => {
    const [simulation] = formed()
    const before = incarnation(simulation, 'n0')
    simulation.crash('n0')
    simulation.settle(10_000)
    // It was the first: nobody ever told it whom to join.
    simulation.restart('n0', { memory: 'kept' })
    simulation.settle(10_000)
    expect(incarnation(simulation, 'n0')).toBeGreaterThan(before)
    expect(simulation.sorted()).toHaveLength(5)
  })

  it('without memory is the same node, and no other: here it makes a ring of its own', () => {
    const [simulation] = formed()
    simulation.crash('n0')
    simulation.settle(10_000)
    simulation.restart('n0', { memory: 'lost' })
    expect(simulation.at('n0')[0]?.node.core.sole).toBe(true)
    simulation.crash('n3')
    simulation.restart('n3', { memory: 'lost', via: 'n1' })
    simulation.run(5_000)
    expect(simulation.at('n3')[0]?.node.status).toBe('member')
  })

  it('with its clock set back and its file lost counts up again, as soon as the ring says so', () => {
    const [simulation, witness] = formed()
    const before = incarnation(simulation, 'n3')
    simulation.crash('n3')
    simulation.clock('n3', { offsetMs: -3_600_000 })
    simulation.restart('n3', { memory: 'lost' })
    expect(incarnation(simulation, 'n3')).toBeLessThan(before)
    simulation.settle(20_000)
    expect(witness.of('n3', 'staleIncarnation')).not.toEqual([])
    expect(incarnation(simulation, 'n3')).toBe(before + 1n)
  })

  it('from an old file, or one that could not be written, counts on all the same', () => {
    const [simulation] = formed()
    for (const memory of ['kept', 'stale'] as const) {
      const before = incarnation(simulation, 'n2')
      simulation.failStateFile('n2', true)
      simulation.run(60_000)
      simulation.crash('n2')
      simulation.restart('n2', { memory })
      simulation.settle(20_000)
      expect(incarnation(simulation, 'n2')).toBeGreaterThan(before)
    }
  })

  it('is never taken for an earlier life, however often it starts within a moment', () => {
    const [simulation] = formed()
    const lives = new Set([incarnation(simulation, 'n2')])
    for (const memory of ['kept', 'lost', 'stale', 'lost', 'kept'] as const) {
      simulation.restart('n2', { memory, via: 'n0' })
      lives.add(incarnation(simulation, 'n2'))
    }
    expect(lives.size).toBe(6)
    simulation.settle(20_000)
  })

  it('is refused where another lives with its id', () => {
    const [simulation, witness] = formed()
    simulation.start({ address: 'twin', ids: [idAt(2)], via: 'n0' })
    simulation.run(5_000)
    expect(witness.faults.map(({ kind }) => kind)).toContain('duplicate-id')
    expect(simulation.isAlive('twin')).toBe(false)
    expect(witness.of('twin', 'duplicate')).toHaveLength(1)
    simulation.settle(5_000)
  })
})

describe('taking one fault out', () => {
  /** Of each link, how long its messages take: all that its stream decides. */
  function delays(faults: (simulation: Simulation) => void): Map<string, number[]> {
    const [simulation, witness] = ring(5, { conditions: { reorderPercent: 100 } })
    faults(simulation)
    simulation.run(5_000)
    const out = new Map<string, number[]>()
    for (const { flight, atMs } of [...witness.landed].sort((a, b) => a.flight.id - b.flight.id)) {
      const key = `${flight.from.address} ${flight.to.address}`
      out.set(key, [...(out.get(key) ?? []), Math.round(1000 * (atMs - flight.atMs))])
    }
    return out
  }

  it('leaves the draws of all other links alone', () => {
    const calm = delays(() => undefined)
    const rough = delays((simulation) =>
      simulation.link('n0', 'n1', { duplicatePercent: 30, delay: { kind: 'constant', ms: 9 } }),
    )
    for (const [link, drawn] of calm) {
      if (link === 'n0 n1') continue
      const both = Math.min(drawn.length, rough.get(link)?.length ?? 0)
      expect(both).toBeGreaterThan(0)
      expect(rough.get(link)?.slice(0, both)).toEqual(drawn.slice(0, both))
    }
  })
})
