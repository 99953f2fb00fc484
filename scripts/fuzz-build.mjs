/** Builds fuzz targets: C++ with libFuzzer, ASan and UBSan; TypeScript with counters of its own and libFuzzer as an addon. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { instrument, typescriptIn } from './fuzz-instrument.mjs'
import { nodeHeaders } from './lib/headers.mjs'

const CLANG = process.env.CLANGXX ?? 'clang++'
const FLAGS = ['-std=c++20', '-O2', '-g', '-fno-exceptions', '-fno-omit-frame-pointer', '-Wall', '-Wextra', '-Werror']
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']

/** The command that fuzzes; arguments of libFuzzer may be added to it. */
export function buildNative(root, target, to) {
  const native = join(root, 'native')
  const objects = []
  for (const [sources, coverage] of [
    [target.sources, ['-fsanitize=fuzzer-no-link']],
    [target.helpers ?? [], []],
  ]) {
    for (const source of sources) {
      const object = join(to, `${target.name}-${basename(source, '.cc')}.o`)
      run(CLANG, [...FLAGS, ...SANITIZERS, ...coverage, '-c', join(native, source), '-o', object])
      objects.push(object)
    }
  }
  const program = join(to, target.name)
  run(CLANG, [...SANITIZERS, '-fsanitize=fuzzer', ...objects, ...(target.link ?? []), '-o', program])
  return { command: program, args: [] }
}

/** As {@link buildNative}; the first call for a folder makes what all targets share. */
export function buildScript(root, target, to) {
  const bridge = join(to, 'bridge.node')
  if (!existsSync(bridge)) {
    const archive = join(run(CLANG, ['--print-runtime-dir']).trim(), `libclang_rt.fuzzer_no_main-${machine()}.a`)
    const source = join(root, 'test', 'fuzz', 'bridge.cc')
    const flags = [...FLAGS, '-fPIC', '-shared', '-isystem', nodeHeaders()]
    run(CLANG, [...flags, source, archive, '-lpthread', '-o', bridge])
  }
  const scripts = join(to, 'scripts')
  const { counters } = instrumented(root, scripts)
  const path = join(scripts, 'test', 'fuzz', `${target.name}.js`)
  const runner = join(root, 'test', 'fuzz', 'run.mjs')
  // A program of its own, because libFuzzer starts itself again to merge and to minimize.
  const program = join(to, `${target.name}.sh`)
  const words = [process.execPath, '--expose-gc', runner, program, bridge, path, counters, target.bytes]
  writeFileSync(program, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 })
  return { command: program, args: ['-print_funcs=0'] }
}

let made
function instrumented(root, to) {
  if (made?.to === to) return made
  const sources = [...typescriptIn(root, 'src/wire'), ...typescriptIn(root, 'src/core')]
  sources.push(join('src', 'runtime', 'peers.ts'), join('src', 'runtime', 'address.ts'))
  sources.push(...['channel', 'mux', 'share'].map((name) => join('src', 'runtime', 'streams', `${name}.ts`)))
  sources.push(join('test', 'streams', 'pair.ts'))
  sources.push(...['input.ts', 'record/replay.ts', 'record/rules.ts'].map((name) => join('src', 'sim', name)))
  const counts = (file) => file.startsWith('src')
  mkdirSync(to, { recursive: true })
  writeFileSync(join(to, 'package.json'), '{ "type": "module" }\n')
  const counters = instrument(root, [...sources, ...typescriptIn(root, 'test/fuzz')], counts, to)
  made = { to, counters }
  return made
}

function machine() {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64'
}

function run(command, args) {
  const { status, stdout, error } = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status === 0) return stdout
  throw new Error(error?.code === 'ENOENT' ? `${command} is not installed` : `${command} failed`)
}
