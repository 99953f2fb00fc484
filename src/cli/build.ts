/** `chordite build`: compiles the addon, for packages that were installed without running scripts. */
import type { Command } from 'commander'
import { print, printJson } from './output.ts'

/** What is used here of `scripts/install.mjs`, which also runs on its own before anything is built. */
interface Installer {
  ensureAddon(o: {
    force: boolean
    quiet: boolean
  }): { ok: true; path: string; compiled: boolean } | { ok: false; reason: string }
}

export function addBuild(program: Command): void {
  program
    .command('build')
    .description('compile the native addon; needs Python 3, make and a C++20 compiler')
    .option('--json', 'print JSON, and not what the compiler says')
    .action(build)
}

async function build(flags: { json?: boolean }): Promise<void> {
  const { ensureAddon } = (await import(new URL('../../scripts/install.mjs', import.meta.url).href)) as Installer
  const result = ensureAddon({ force: true, quiet: flags.json ?? false })
  if (!result.ok) throw new Error(`the native addon could not be built: ${result.reason}`)
  if (flags.json) printJson({ binary: result.path })
  else print(`built ${result.path}`)
}
