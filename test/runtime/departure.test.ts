import { expect, test } from 'vitest'
import { SimulatedNetwork } from '../../src/transports/simulated.ts'
import { client, member, request, timing } from './links-setup.ts'

test('what was on its way to who leaves is answered, and passed on', async () => {
  const network = new SimulatedNetwork({ seed: 11 })
  const leaver = await member(network, '10.0.0.1')
  const b = await member(network, '10.0.0.2')
  const c = await member(network, '10.0.0.3')
  b.links.open(leaver.address, 'routing')
  leaver.links.open(c.address, 'routing')
  await network.run(100)
  leaver.told.onFrame = (session) => {
    leaver.links.sendOn(session, request('answered'), 'own')
    leaver.links.send(c.address, request('passed on'), 'routing', 'own')
  }
  for (let i = 0; i < 3; i++) b.links.send(leaver.address, request('late'), 'routing', 'own')
  await network.settle(leaver.links.leave(), 100)
  expect(b.told.texts()).toEqual(['answered', 'answered', 'answered'])
  expect(c.told.texts()).toEqual(['passed on', 'passed on', 'passed on'])
  expect([b, c].map(({ told }) => told.causes())).toEqual([['leaving'], ['leaving']])
  await network.run(50)
  expect([leaver, b, c].map(({ links }) => links.counts().total)).toEqual([0, 0, 0])
})

test('an answer that needs a new connection leaves before we do', async () => {
  const network = new SimulatedNetwork({ seed: 12 })
  const leaver = await member(network, '10.0.0.1')
  const b = await member(network, '10.0.0.2')
  leaver.links.send(b.address, request('answer'), 'reply', 'own')
  await network.settle(leaver.links.leave(), 100)
  expect(b.told.texts()).toEqual(['answer'])
  expect(leaver.links.counts().total).toBe(0)
})

test('two that leave at once do not wait for each other, nor for who is silent', async () => {
  const network = new SimulatedNetwork({ seed: 13 })
  const a = await member(network, '10.0.0.1')
  const b = await member(network, '10.0.0.2')
  const c = client(network, '10.0.0.3')
  a.links.open(b.address, 'routing')
  c.links.open(a.address, 'routing')
  await network.run(100)
  await network.settle(Promise.all([a.links.leave(), b.links.leave()]), 100)
  expect([a, b].map(({ links }) => links.counts().total)).toEqual([0, 0])

  const d = await member(network, '10.0.0.4')
  const e = await member(network, '10.0.0.5')
  d.links.open(e.address, 'routing')
  await network.run(100)
  network.kill(e.address, { silent: true })
  await network.settle(d.links.leave(), timing.connectMs + 100)
})
