import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '../../src/transports/simulated.ts'
import * as L from '../../src/wire/layout.ts'
import { conformance } from './conformance.ts'
import { counting } from './counting.ts'
import { Recorder, sendFrame, sendHello, text } from './frames.ts'
import { SimulatedHarness } from './harness.ts'

conformance('simulated', () => new SimulatedHarness())
counting('simulated', () => new SimulatedHarness())

describe('virtual clock', () => {
  test('timers fire by time, then in the order in which they were set', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean())), (timers) => {
        const clock = new VirtualClock(0)
        const fired: [number, number][] = []
        const expected: [number, number][] = []
        timers.forEach(([atMs, cancelled], index) => {
          const timer = clock.setTimer(atMs, () => fired.push([clock.nowMs(), index]))
          if (cancelled) timer[Symbol.dispose]()
          else expected.push([atMs, index])
        })
        clock.runUntil(30)
        expect(fired).toEqual(expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]))
        expect(clock.nowMs()).toBe(30)
      }),
    )
  })

  test('a timer set by a timer is due in the same run', () => {
    const clock = new VirtualClock(0)
    const fired: number[] = []
    clock.setTimer(5, () => clock.setTimer(5, () => fired.push(clock.nowMs())))
    clock.runFor(9)
    expect(fired).toEqual([])
    clock.runFor(1)
    expect(fired).toEqual([10])
  })
})

test('random: the same from the same seed, spread over the whole range', () => {
  const draw = (seed: number) => Array.from({ length: 1000 }, seeded(seed))
  const seeded = (seed: number) => {
    const random = new SeededRandom(seed)
    return () => random.nextUint32()
  }
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
  const mean = draw(3).reduce((sum, bits) => sum + bits / 2 ** 32, 0) / 1000
  expect(mean).toBeGreaterThan(0.45)
  expect(mean).toBeLessThan(0.55)
})

describe('simulated faults', () => {
  async function pair(seed = 1) {
    const network = new SimulatedNetwork({ seed })
    const [a, b] = ['10.0.0.1', '10.0.0.2'].map((host) => {
      const recorder = new Recorder()
      return {
        recorder,
        transport: network.createTransport(host, { handler: recorder, outputBytes: 1 << 20, connections: 9 }),
      }
    }) as [End, End]
    await b.transport.listen('10.0.0.2', 7000)
    const link = a.transport.dial('10.0.0.2', 7000)
    sendHello(a.transport, link)
    await network.run(10)
    const send = (words: string) => sendFrame(a.transport, link, L.TYPE_REQUEST, text(words))
    return { network, a, b, link, send }
  }

  interface End {
    recorder: Recorder
    transport: ReturnType<SimulatedNetwork['createTransport']>
  }

  test('killed: links are reset after the delay, dials refused, and the port is free again', async () => {
    const { network, a } = await pair()
    network.kill('10.0.0.2:7000')
    expect(a.recorder.closes).toEqual([])
    await network.run(5)
    expect(a.recorder.closes.map((close) => close.reason)).toEqual(['reset'])
    a.transport.dial('10.0.0.2', 7000)
    await network.run(5)
    expect(a.recorder.closes.map((close) => close.reason)).toEqual(['reset', 'refused'])
    const reborn = network.createTransport('10.0.0.2', { handler: new Recorder(), outputBytes: 1000, connections: 9 })
    await reborn.listen('10.0.0.2', 7000)
  })

  test('who was killed does nothing any more, whatever its code tries', async () => {
    const { network, a, b } = await pair()
    network.kill('10.0.0.2:7000')
    await a.transport.listen('10.0.0.1', 7000)
    const dialed = b.transport.dial('10.0.0.1', 7000)
    expect(sendFrame(b.transport, dialed, L.TYPE_REQUEST, text('ghost'))).toBe(false)
    await expect(b.transport.listen('10.0.0.2', 7000)).rejects.toMatchObject({ code: 'ERR_LISTEN' })
    await network.run(100)
    expect(a.recorder.links.length).toBe(1)
    expect(b.recorder.closes).toEqual([])
  })

  test('silent: nothing is heard, until patience ends', async () => {
    const { network, a, b, send } = await pair()
    network.kill('10.0.0.2:7000', { silent: true })
    send('hello?')
    a.transport.dial('10.0.0.2', 7000)
    await network.run(29_000)
    expect(a.recorder.closes).toEqual([])
    await network.run(2000)
    expect(a.recorder.closes.map((close) => close.reason).sort()).toEqual(['reset', 'unreachable'])
    expect(b.recorder.texts()).toEqual([])
  })

  test('partition: what was sent arrives in order when it heals in time', async () => {
    const { network, a, b, send } = await pair()
    network.partition(['10.0.0.2'])
    for (const words of ['one', 'two', 'three']) {
      send(words)
      await network.run(150)
    }
    expect(b.recorder.texts()).toEqual([])
    network.heal()
    send('four')
    await network.run(500)
    expect(b.recorder.texts()).toEqual(['one', 'two', 'three', 'four'])
    expect(a.recorder.closes).toEqual([])
  })

  test('partition: an end that gave up is found out by the other, as soon as that says something', async () => {
    const { network, a, b, send } = await pair()
    network.partition(['10.0.0.2'])
    send('nobody hears that')
    await network.run(31_000)
    expect(a.recorder.closes.map((close) => close.reason)).toEqual(['reset'])
    network.heal()
    await network.run(1_000)
    expect(b.recorder.closes).toEqual([])
    sendFrame(b.transport, b.recorder.links[0]!, L.TYPE_REQUEST, text('are you there?'))
    await network.run(1_000)
    expect(b.recorder.closes.map((close) => close.reason)).toEqual(['reset'])
  })

  test('promises settle between events, always in the same order', async () => {
    const run = async () => {
      const { network, b, send } = await pair(9)
      const log: string[] = []
      b.recorder.onFrame = async ({ body }) => {
        const words = new TextDecoder().decode(body)
        await new Promise<void>((resolve) => network.clock.setTimer(network.random.nextFloat() * 10, resolve))
        log.push(`${words} ${network.clock.nowMs()}`)
      }
      for (let i = 0; i < 20; i++) {
        send(`${i}`)
        await network.run(1)
      }
      await network.run(50)
      return log
    }
    const first = await run()
    expect(first.length).toBe(20)
    expect(await run()).toEqual(first)
  })

  test('settle runs until a promise does, and gives up at its cap', async () => {
    const { network } = await pair()
    const later = new Promise<string>((resolve) => network.clock.setTimer(500, () => resolve('done')))
    expect(await network.settle(later, 1000)).toBe('done')
    await expect(network.settle(new Promise(() => {}), 100)).rejects.toThrow('not settled after 100 ms')
  })
})
