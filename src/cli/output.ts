/** How the commands print: results to standard output, everything else to standard error. */
import { Id } from '../index.ts'

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** One line of JSON; ids and big integers become strings. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, plain))
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** An error, always one line. */
export function fail(text: string): void {
  note(`chordite: ${text.trim().replace(/\s*\n\s*/g, ' ')}`)
}

/** Rows as aligned columns; the first row is the head. Columns of numbers are right-aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const numeric = widths.map((_, column) => rows.slice(1).every((row) => /^[\d.,%–-]*$/.test(row[column] ?? '')))
  return rows.map((row) =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  return value instanceof Id ? value.toString() : value
}
