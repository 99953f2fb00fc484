/** docs/benchmarks.md and docs/plots: prose stays, tables between markers and charts are written from a report. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { sectionsOf } from './markdown.mjs'
import { plotsOf } from './plots.mjs'

const PAGE = new URL('../../docs/benchmarks.md', import.meta.url)
const PLOTS = new URL('../../docs/plots/', import.meta.url)

export function writeDocs(report) {
  writePage(PAGE, sectionsOf(report), plotsOf(report), 'npm run bench -- --docs')
}

/** `sections` are texts by the names of their markers, which say which `command` wrote what lies between them. */
export function writePage(file, sections, plots, command) {
  const page = Object.entries(sections).reduce(
    (text, [name, section]) => withSection(text, name, section, command),
    readFileSync(file, 'utf8'),
  )
  writeFileSync(file, page)
  mkdirSync(PLOTS, { recursive: true })
  for (const { name, svg } of plots) writeFileSync(new URL(`${name}.svg`, PLOTS), svg)
}

function withSection(page, name, text, command) {
  const [begin, end] = [`<!-- ${name}: written by ${command} -->`, `<!-- /${name} -->`]
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the page has no place for '${name}': ${begin} … ${end}`)
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`
}
