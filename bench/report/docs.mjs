/** docs/benchmarks.md and docs/plots: prose stays, tables between markers and charts are written from a report. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { sectionsOf } from './markdown.mjs'
import { plotsOf } from './plots.mjs'

const PAGE = new URL('../../docs/benchmarks.md', import.meta.url)
const PLOTS = new URL('../../docs/plots/', import.meta.url)

export function writeDocs(report) {
  const page = Object.entries(sectionsOf(report)).reduce(withSection, readFileSync(PAGE, 'utf8'))
  const plots = plotsOf(report)
  writeFileSync(PAGE, page)
  mkdirSync(PLOTS, { recursive: true })
  for (const { name, svg } of plots) writeFileSync(new URL(`${name}.svg`, PLOTS), svg)
}

function withSection(page, [name, text]) {
  const [begin, end] = [`<!-- ${name}: written by npm run bench -- --docs -->`, `<!-- /${name} -->`]
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no place for '${name}': ${begin} … ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`
}
