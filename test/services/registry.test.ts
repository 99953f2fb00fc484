import { describe, expect, it } from 'vitest'
import { createNode, type Registry, registry } from '../../src/index.ts'
import { SimulatedRing } from '../runtime/simulated-ring.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : new TextDecoder().decode(value))

describe('in the simulated network', () => {
  async function ringWith(count: number) {
    const ring = new SimulatedRing()
    const registries: Registry[] = []
    const add = () => {
      const service = registry()
      registries.push(service)
      return ring.start({}, (node) => node.use(service))
    }
    for (let i = 0; i < count; i++) await add()
    await ring.run(3_000)
    return { ring, registries, add }
  }

  it('keeps values with their owners, reached through any node', async () => {
    const { ring, registries } = await ringWith(4)
    for (let i = 0; i < 40; i++) await ring.settle(registries[i % 4]!.put(`k${i}`, bytes(`v${i}`)))
    for (let i = 0; i < 40; i++) expect(text(await ring.settle(registries[(i + 1) % 4]!.get(`k${i}`)))).toBe(`v${i}`)
    expect(registries.reduce((sum, { size }) => sum + size, 0)).toBe(40)
    await ring.settle(registries[0]!.delete('k7'))
    expect(await ring.settle(registries[3]!.get('k7'))).toBeUndefined()
    expect(text(await ring.settle(registries[3]!.get('k8')))).toBe('v8')
  })

  it('moves entries with the range when nodes join and leave', async () => {
    const { ring, registries, add } = await ringWith(2)
    const values = new Map<string, string>()
    for (let i = 0; i < 200; i++) {
      values.set(`k${i}`, `v${i}`)
      await ring.settle(registries[0]!.put(`k${i}`, bytes(`v${i}`)))
    }
    await add()
    await add()
    await ring.run(2_000)
    expect(registries.reduce((sum, { size }) => sum + size, 0)).toBe(200)
    expect(registries[2]!.size + registries[3]!.size).toBeGreaterThan(0)
    await ring.leave(ring.nodes[0]!)
    await ring.leave(ring.nodes[0]!)
    for (const [key, value] of values) expect(text(await ring.settle(registries[3]!.get(key)))).toBe(value)
    expect(registries[2]!.size + registries[3]!.size).toBe(200)
  })

  it('keeps entries that move between virtual nodes of one process', async () => {
    const ring = new SimulatedRing()
    const registries: Registry[] = []
    const services = () => {
      registries.push(registry())
      return [registries.at(-1)!]
    }
    await ring.start({ services, virtualNodes: 6 })
    for (let i = 0; i < 100; i++) await ring.settle(registries[0]!.put(`k${i}`, bytes(`v${i}`)))
    for (let i = 0; i < 3; i++) {
      await ring.start({ services, virtualNodes: 6 })
      await ring.run(1_000)
    }
    for (let i = 0; i < 100; i++) expect(text(await ring.settle(registries[i % 4]!.get(`k${i}`)))).toBe(`v${i}`)
    expect(registries.reduce((sum, { size }) => sum + size, 0)).toBe(100)
  })

  it('loses no write that is made while a range moves', async () => {
    const { ring, registries, add } = await ringWith(3)
    for (let i = 0; i < 300; i++) await ring.settle(registries[0]!.put(`k${i}`, bytes('old')))
    const joining = add()
    for (let i = 0; i < 300; i++) await ring.settle(registries[i % 3]!.put(`k${i}`, bytes('new')))
    await joining
    for (let i = 0; i < 300; i++) expect(text(await ring.settle(registries[0]!.get(`k${i}`)))).toBe('new')
  })

  it('forgets what a killed process kept, and only that', async () => {
    const { ring, registries } = await ringWith(4)
    for (let i = 0; i < 100; i++) await ring.settle(registries[0]!.put(`k${i}`, bytes('v')))
    const lost = registries[1]!.size
    ring.kill(ring.nodes[1]!)
    await ring.run(2_000)
    let missing = 0
    for (let i = 0; i < 100; i++) if ((await ring.settle(registries[0]!.get(`k${i}`))) === undefined) missing++
    expect(missing).toBe(lost)
  })

  it('refuses more than its limit', async () => {
    const ring = new SimulatedRing()
    const service = registry({ entriesMax: 1 })
    await ring.start({}, (node) => node.use(service))
    await ring.settle(service.put('a', bytes('1')))
    await ring.settle(service.put('a', bytes('2')))
    await expect(ring.settle(service.put('b', bytes('1')))).rejects.toMatchObject({ code: 'ERR_REMOTE' })
  })
})

it('does the same over sockets', async () => {
  const first = registry()
  const second = registry()
  await using a = await createNode().use(first).start()
  for (let i = 0; i < 50; i++) await first.put(`k${i}`, bytes(`v${i}`))
  const b = await createNode({ join: [a.address] })
    .use(second)
    .start()
  for (let i = 0; i < 50; i++) expect(text(await second.get(`k${i}`))).toBe(`v${i}`)
  await b.leave()
  for (let i = 0; i < 50; i++) expect(text(await first.get(`k${i}`))).toBe(`v${i}`)
})
