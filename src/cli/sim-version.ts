/** Which code plays a seed: what two versions of it make of the same seeds cannot be counted together. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SeedOptions } from './sim-play.ts'
import { packageVersion } from './version.ts'

/** Bare cores do without the rest. */
const OF_CORES = ['core', 'sim']
const OF_WHOLE_NODES = [...OF_CORES, 'native', 'runtime', 'services', 'transports', 'wire']

/** Names version and code, and what of it is played with which parameters. */
export function playedBy({ whole, set }: SeedOptions): string {
  const digest = createHash('sha256')
  for (const folder of whole ? OF_WHOLE_NODES : OF_CORES) addCode(digest, folder)
  const parts = [`chordite ${packageVersion()}`, digest.digest('hex').slice(0, 12), whole ? 'whole nodes' : 'cores']
  return [...parts, ...Object.entries(set).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(', ')
}

function addCode(digest: ReturnType<typeof createHash>, folder: string): void {
  const root = new URL(`../${folder}/`, import.meta.url)
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  // Built or not, it is the same folders.
  const code = names.filter((name) => extname(name) === extname(fileURLToPath(import.meta.url)))
  for (const name of code.sort()) digest.update(`${folder}/${name}\n`).update(readFileSync(new URL(name, root)))
}
