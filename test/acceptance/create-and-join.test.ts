/** Processes create a network, and join one. */
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { sizeOf, WHOLE_RING } from '../support/ideal-ring.ts'
import {
  type Member,
  type PlainMember,
  someKeys,
  spawnMember,
  untilCorrect,
  wrongAnswers,
} from '../support/members.mjs'
import { canConnect, freePort, run } from '../support/system.ts'

const CAP_MS = 30_000

let members: Member[] = []

afterEach(() => {
  for (const member of members) member.kill()
  members = []
})

async function spawn(count: number): Promise<Member[]> {
  while (members.length < count) members.push(await spawnMember())
  return members
}

test('a node without contacts creates a network, and owns all of it', async () => {
  const [alone] = (await spawn(1)) as [Member]
  await alone.start({})
  const [member] = (await alone.ask('members')) as [PlainMember]
  expect(sizeOf(member.range!)).toBe(WHOLE_RING)
  expect(await alone.ask('state')).toBe('member')
  expect(await wrongAnswers([alone], someKeys('alone', 100), 5_000)).toEqual([])
})

describe('joins by', () => {
  test('host:port', () => twoMeet('127.0.0.1:0', (address) => address))

  test('[IPv6]:port', async ({ skip }) => {
    if (!(await hasIpv6())) {
      console.info('no IPv6 on the loopback interface of this machine: joining by [::1]:port is not tested')
      skip('no IPv6 on the loopback interface of this machine')
    }
    await twoMeet('[::1]:0', (address) => {
      expect(address).toMatch(/^\[::1\]:\d+$/)
      return address
    })
  })

  test('name:port', () => twoMeet('127.0.0.1:0', (address) => address.replace('127.0.0.1', 'localhost')))

  test('dns://name:port, any of the addresses of the name', () =>
    twoMeet('127.0.0.1:0', (address) => `dns://${address.replace('127.0.0.1', 'localhost')}`))

  async function twoMeet(listen: string, contactFrom: (address: string) => string): Promise<void> {
    const [first, second] = (await spawn(2)) as [Member, Member]
    await first.start({ listen })
    await second.start({ listen, join: [contactFrom(first.address)] })
    await untilCorrect(members, CAP_MS)
    expect(await wrongAnswers(members, someKeys(listen, 100), 5_000)).toEqual([])
  }
})

test('its own address among the contacts is ignored', async () => {
  const [first, second] = (await spawn(2)) as [Member, Member]
  const own = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`] as const
  await first.start({ listen: own[0], join: [own[0]] })
  await second.start({ listen: own[1], join: [own[1], own[0]] })
  await untilCorrect(members, CAP_MS)
})

test('one live contact among dead ones is enough', async () => {
  const [first, second] = (await spawn(2)) as [Member, Member]
  await first.start({})
  await second.start({ join: [`127.0.0.1:${await freePort()}`, first.address] })
  await untilCorrect(members, CAP_MS)
})

test('a contact may come up after who joins through it', async () => {
  const [first, second] = (await spawn(2)) as [Member, Member]
  const listen = `127.0.0.1:${await freePort()}`
  const joined = second.start({ join: [listen] })
  await first.start({ listen })
  await joined
  await untilCorrect(members, CAP_MS)
})

test('a node that listens everywhere advertises where its contact sees it', async () => {
  const [first, second] = (await spawn(2)) as [Member, Member]
  await expect(first.start({ listen: '0.0.0.0:0' })).rejects.toMatchObject({ code: 'ERR_ADVERTISE_REQUIRED' })
  const port = await freePort()
  await first.start({ listen: `0.0.0.0:${port}`, advertise: `127.0.0.1:${port}` })
  await second.start({ listen: '0.0.0.0:0', join: [first.address] })
  expect(second.address).toMatch(/^127\.0\.0\.1:\d+$/)
  await untilCorrect(members, CAP_MS)
})

test('networks of different names do not mix', async () => {
  const [first, second] = (await spawn(2)) as [Member, Member]
  await first.start({ network: 'one' })
  const joining = second.start({ network: 'other', join: [first.address] }, { timeoutMs: 1_000 })
  await expect(joining).rejects.toMatchObject({ code: 'ERR_JOIN_TIMEOUT' })
  expect((await first.ask('metrics')).refused.network).toBeGreaterThan(0)
  await untilCorrect([first], CAP_MS)
})

test('nobody there: ERR_JOIN_TIMEOUT, and nothing stays open', async () => {
  const port = await freePort()
  const nobody = await freePort()
  // Nothing ends this program but that it has nothing left to wait for.
  const { code, stdout, stderr } = await run(`
    import { createNode } from './dist/index.js'
    const node = createNode({ listen: '127.0.0.1:${port}', join: ['127.0.0.1:${nobody}'] })
    try {
      await node.start({ timeoutMs: 700 })
    } catch (error) {
      console.log(error.code, node.state, (await node.closed)?.code)
    }
  `)
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'ERR_JOIN_TIMEOUT closed ERR_JOIN_TIMEOUT\n',
    stderr: '',
  })
  expect(await canConnect(port)).toBe(false)
})

test('a port that is taken: ERR_ADDRESS_IN_USE, and the one who has it is not disturbed', async () => {
  const [first, second] = (await spawn(2)) as [Member, Member]
  await first.start({})
  await expect(second.start({ listen: first.address })).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE' })
  await second.start({ join: [first.address] })
  await untilCorrect(members, CAP_MS)
})

function hasIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(0, '::1', () => server.close(() => resolve(true)))
  })
}
