/** What a user does with an installed package: imports, requires and typechecks it, asks the doctor, runs a ring. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { cleanEnvironment, equal, run } from './run.mjs'

const RING_OF = 3
const RING_MS = 20_000

const PROGRAM = `
import { type Caller, type ChordNode, connect, createNode, json, type MessageType } from 'chordite'
import { swarm, type SwarmSummary, World } from 'chordite/sim'

const greet: MessageType<{ name: string }, string> = { name: 'greet', request: json(), reply: json() }

export async function main(): Promise<string> {
  const node: ChordNode = createNode({ virtualNodes: 2 })
  node.handle(greet, ({ body }) => body.name.toUpperCase())
  node.on('range', ({ epoch }: { epoch: bigint }) => epoch)
  await node.start()
  const caller: Caller = await connect({ to: [node.address] })
  // @ts-expect-error: the body has a type
  await caller.request('key', greet, { nam: 'x' })
  return caller.request('key', greet, { name: 'x' })
}

export async function simulated(): Promise<SwarmSummary> {
  await new World({ seed: 1 }).grow(3, { virtualNodes: 2 }, (node: ChordNode) => {
    node.handle(greet, ({ body }) => body.name)
  })
  // @ts-expect-error: no such fault
  await swarm({ faults: ['flood'] }, async () => {})
  return swarm({ seeds: 2, faults: ['kill'] }, (world) => world.run(1_000))
}
`

export function installed(cwd, installOutput) {
  const script = (name, text) => {
    writeFileSync(join(cwd, name), text)
    return run(process.execPath, [name], { cwd, mustSucceed: true }).stdout.trim()
  }
  const bin = (...args) => run('npx', ['--no-install', 'chordite', ...args], { cwd, mustSucceed: true }).stdout

  const use = {
    lines: installOutput.split('\n'),
    compiled: existsSync(join(cwd, 'node_modules', 'chordite', 'build')),
    build: () => bin('build'),
    import: () =>
      equal(script('import.mjs', "import { createNode } from 'chordite'; console.log(typeof createNode)"), 'function'),
    /** A world of the simulator, which must not need anything that is not in the package. */
    simulate: () =>
      equal(
        script(
          'simulate.mjs',
          "import { World } from 'chordite/sim'; const world = new World(); await world.grow(3); console.log(world.flaws().length)",
        ),
        '0',
      ),
    require: () => equal(script('require.cjs', "console.log(typeof require('chordite').createNode)"), 'function'),
    /** With this repository's compiler, as an ES module and as CommonJS, without skipLibCheck. */
    types() {
      for (const name of ['program.mts', 'program.cts']) writeFileSync(join(cwd, name), PROGRAM)
      symlinkSync(resolve('node_modules/@types'), join(cwd, 'node_modules', '@types'))
      const flags = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'nodenext', '--types', 'node']
      const tsc = resolve('node_modules/typescript/bin/tsc')
      run(process.execPath, [tsc, ...flags, 'program.mts', 'program.cts'], { cwd, mustSucceed: true })
    },
    doctor: (transport) => equal(JSON.parse(bin('doctor', '--json')).transport, transport),
    ring: () => formRing(cwd),
    async all(transport) {
      use.import()
      use.require()
      use.simulate()
      use.types()
      use.doctor(transport)
      await use.ring()
    },
  }
  return use
}

/** `chordite up` starts a ring, `chordite ring` finds it whole, and SIGINT ends it in order. */
async function formRing(cwd) {
  const bin = join(cwd, 'node_modules', '.bin', 'chordite')
  const up = spawn(bin, ['up', '--nodes', String(RING_OF), '--json'], {
    cwd,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(up, 'exit')
  const deadline = setTimeout(() => up.kill('SIGKILL'), RING_MS)
  let to
  let walked
  for await (const line of createInterface({ input: up.stdout })) {
    const event = JSON.parse(line)
    to ??= event.event === 'up' ? event.addresses[0] : undefined
    // The ranges settle just after the nodes have joined: each status report is a reason to look again.
    if (!to || walked?.whole || !['up', 'status'].includes(event.event)) continue
    const { stdout } = run(bin, ['ring', '--json', '--to', to], { cwd })
    walked = stdout ? JSON.parse(stdout) : undefined
    if (walked?.whole) up.kill('SIGINT')
  }
  const [code, signal] = await ended
  clearTimeout(deadline)
  equal({ whole: walked?.whole, members: walked?.members.length }, { whole: true, members: RING_OF })
  equal(signal ?? code, 0)
}
