/** `chordite doctor`: which transport is in use here, and why. */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Command } from 'commander'
import { ChordError } from '../index.ts'
import { chooseTransport, loadNative, platformTag } from '../native/load.ts'
import { LAYOUT_VERSION, PROTOCOL_VERSION } from '../wire/layout.ts'
import { print, printJson } from './output.ts'
import { packageVersion } from './version.ts'

/** Of the many that a CPU has, those that make a difference to us. */
const CPU_FEATURES = ['sha_ni', 'sse4_1', 'avx2', 'avx512f', 'sha1', 'asimd']

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say which transport is in use here, and why; exit code 1 if one is demanded that cannot be used')
    .option('--json', 'print JSON')
    .action((flags: { json?: boolean }) => {
      const report = examine()
      if (flags.json) printJson(report)
      else for (const line of readable(report)) print(line)
      if (report.transport === 'none') process.exitCode = 1
    })
}

interface Report {
  chordite: string
  node: string
  libuv: string
  platform: string
  arch: string
  libc: string
  cpu: string
  cpuFeatures: string[]
  transport: 'native' | 'tcp' | 'none'
  reason: string
  poller: string
  sha1: string
  binary: string | null
  layoutVersion: number
  protocolVersion: number
}

function examine(): Report {
  const native = loadNative()
  return {
    chordite: packageVersion(),
    node: process.version,
    libuv: process.versions.uv,
    platform: process.platform,
    arch: process.arch,
    libc: libc(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpuFeatures: cpuFeatures(),
    ...verdict(),
    poller: native.ok ? native.info.poller : 'that of libuv',
    sha1: native.ok ? native.info.sha1 : 'typescript',
    binary: native.ok ? native.path : null,
    layoutVersion: LAYOUT_VERSION,
    protocolVersion: PROTOCOL_VERSION,
  }
}

function verdict(): Pick<Report, 'transport' | 'reason'> {
  try {
    const { kind, reason } = chooseTransport()
    if (kind === 'native') return { transport: kind, reason: 'the addon loads' }
    return { transport: kind, reason: reason ?? 'CHORDITE_TRANSPORT=tcp' }
  } catch (error) {
    if (!(error instanceof ChordError)) throw error
    return { transport: 'none', reason: error.message }
  }
}

function readable(report: Report): string[] {
  return [
    `${report.transport}: ${report.reason}`,
    `  chordite     ${report.chordite}, layout ${report.layoutVersion}, protocol ${report.protocolVersion}`,
    `  Node.js      ${report.node}, libuv ${report.libuv}`,
    `  system       ${report.platform} ${report.arch}, ${report.libc}`,
    `  CPU          ${report.cpu} (${report.cpuFeatures.join(' ') || 'features unknown'})`,
    `  poller       ${report.poller}`,
    `  SHA-1        ${report.sha1}`,
    `  binary       ${report.binary ?? `none for ${platformTag()}`}`,
  ]
}

function libc(): string {
  if (process.platform !== 'linux') return 'the system’s'
  const header = (process.report.getReport() as { header?: { glibcVersionRuntime?: string } }).header
  return header?.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : platformTag().split('-').at(-1)!
}

/** Linux says; elsewhere nobody does without running code. */
function cpuFeatures(): string[] {
  try {
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/)
    return CPU_FEATURES.filter((feature) => flags?.includes(feature))
  } catch {
    return []
  }
}
