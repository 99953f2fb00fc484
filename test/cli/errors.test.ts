import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { chordite, lines } from './chordite.ts'

async function expectOneLineError(args: string[], pattern: RegExp): Promise<void> {
  const { code, stdout, stderr } = await chordite(args)
  expect(lines(stderr)).toHaveLength(1)
  expect(stderr).toMatch(/^chordite: /)
  expect(stderr).toMatch(pattern)
  expect(stdout).toBe('')
  expect(code).toBe(1)
}

/** An address that nobody listens at: it was free a moment ago. */
async function deadAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}

test('a flag that does not exist', () =>
  expectOneLineError(['ring', '--to', '127.0.0.1:1', '--bogus'], /unknown option '--bogus'/))
test('a command that does not exist', () => expectOneLineError(['rign'], /unknown command 'rign'.*ring/))
test('a flag that is missing', () => expectOneLineError(['lookup', 'key'], /--to/))
test('a number that is none', () =>
  expectOneLineError(['up', '--nodes', 'many'], /--nodes.*whole number from 1 to 256/))
test('a number out of range', () => expectOneLineError(['node', '--virtual-nodes', '0'], /from 1 to 256/))
test('a choice that does not exist', () => expectOneLineError(['node', '--transport', 'udp'], /native, tcp/))
test('a bad address', () => expectOneLineError(['node', '--listen', 'nowhere'], /ERR_BAD_ADDRESS/))
test('an id that is none', () => expectOneLineError(['lookup', '--id', 'xyz', '--to', '127.0.0.1:1'], /40 hexadecimal/))

for (const command of [['lookup', 'key'], ['ring'], ['route']]) {
  test(`${command[0]} to a dead address`, async () => {
    const address = await deadAddress()
    await expectOneLineError([...command, '--to', address], new RegExp(address.replaceAll('.', '\\.')))
  })
}

test('joining through a dead address', async () => {
  await expectOneLineError(['node', '--join', await deadAddress(), '--start-timeout', '500'], /ERR_JOIN_TIMEOUT/)
})

test('a port that is taken', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await expectOneLineError(['node', '--listen', `127.0.0.1:${port}`], /ERR_ADDRESS_IN_USE/)
  await new Promise((resolve) => server.close(resolve))
})

test('help and version are no errors', async () => {
  const help = await chordite(['--help'])
  expect(help.code).toBe(0)
  for (const command of ['up', 'node', 'lookup', 'ring', 'route', 'doctor', 'build'])
    expect(help.stdout).toContain(command)
  const version = await chordite(['--version'])
  expect(version).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' })
})
