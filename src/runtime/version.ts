import { readFileSync } from 'node:fs'

/** The version in the package's own package.json, two folders up from `dist/runtime/`. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return String((JSON.parse(text) as { version: unknown }).version)
}
