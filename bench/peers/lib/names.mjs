/** Real names as keys: of published JavaScript packages (examples/data). */
import { readFileSync } from 'node:fs'

const FILE = new URL('../../../examples/data/package-names.txt', import.meta.url)

export function allNames() {
  return readFileSync(FILE, 'utf8').trimEnd().split('\n')
}

/** `count` of them, from all over the list. */
export function someNames(count) {
  const names = allNames()
  return Array.from({ length: count }, (_, i) => names[Math.floor((i * names.length) / count)])
}
