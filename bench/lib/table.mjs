/** Plain text tables: figures to the right, columns that are `texts` to the left; the first one is. */

const RULE_MAX = 80

export function table(header, rows, texts = []) {
  const all = [header, ...rows].map((row) => row.map(String))
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  const pad = (cell, i) => (i === 0 || texts.includes(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))
  const rule = widths.map((width) => '-'.repeat(Math.min(width, RULE_MAX)))
  return [all[0], rule, ...all.slice(1)].map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}

/** Three significant digits, without exponents. */
export function figure(value) {
  if (value === undefined || Number.isNaN(value)) return '–'
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  if (Math.abs(value) < 0.001) return '0.000'
  return value.toPrecision(3)
}

/** A summary as median and quartiles, in units of `per`; of a single figure, the figure. */
export function spread({ median, p25, p75 }, per = 1) {
  if (p25 === p75) return figure(median / per)
  return `${figure(median / per)} (${figure(p25 / per)}–${figure(p75 / per)})`
}
