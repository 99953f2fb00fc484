/** `chordite check`: explores models of the protocol, and the protocol itself, exhaustively within bounds. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CHECKS } from '../sim/checks.ts'
import { ORIGINAL_SWITCHES } from '../sim/model/checks.ts'
import type { Check, CheckOptions, Counterexample, Outcome, Report } from '../sim/model/outcome.ts'
import { PROPERTIES } from '../sim/model/properties.ts'
import { commandOf, ROWS, tryRow } from '../sim/model/rows.ts'
import { SWITCHES } from '../sim/model/rules.ts'
import { collect, integer } from './flags.ts'
import { count, print, printJson, table } from './output.ts'

/** What `all` runs: not what is there to lose its ring. */
const ALL = CHECKS.filter(({ loses }) => !loses)

interface Flags extends CheckOptions {
  property?: string[]
  expectViolation?: boolean
  json?: boolean
}

export function addCheck(program: Command): void {
  const limits: readonly [flags: string, about: string, min: number, max: number][] = [
    ['--nodes <n>', 'ids 0 … n − 1 (default: 5)', 1, 8],
    ['--successors <r>', 'entries of a successor list (default: 2)', 1, 4],
    ['--principals <n>', 'nobody fails if fewer were left that no list skips; 0: as many as like (default: 3)', 0, 8],
    ['--limit <states>', 'stop after so many states; five million take 260 MB', 1, 100_000_000],
  ]
  const command = program
    .command('check')
    .description(
      'explore the protocol, and models of it, exhaustively; exit code 1 if a property is lost or a count differs',
    )
    .argument('[what]', 'one of those below, rules (what each rule is good for), or all', 'all')
  for (const [flags, about, min, max] of limits) {
    command.addOption(new Option(flags, about).argParser(integer(min, max)))
  }
  command
    .addOption(new Option('--initial <ids>', 'ideal ring to start from (default: 0,2,4)').argParser(ids))
    .addOption(new Option('--without <rule>', 'switch a rule off; may be repeated').argParser(collect))
    .addOption(new Option('--with <rule>', 'switch on one that is off; may be repeated').argParser(collect))
    .addOption(new Option('--property <name>', 'look for this one’s loss only; may be repeated').argParser(collect))
    .option('--heal', 'also: does every state become ideal once nobody joins or fails any more?')
    .option('--expect-violation', 'exit code 1 if nothing is lost')
    .option('--json', 'print JSON, one value a line')
    .addHelpText('after', () => `\n${help().join('\n')}`)
    .action(run)
}

function help(): string[] {
  return [
    'What can be checked:',
    ...CHECKS.map(({ name, about }) => `  ${name.padEnd(14)}${about}`),
    'Rules of the models:',
    ...Object.entries(SWITCHES).map(([name, { about }]) => `  ${name.padEnd(14)}${about}`),
    `  ${'principals'.padEnd(14)}nobody fails if fewer than three principals were left`,
    'Rules of original:',
    ...Object.entries(ORIGINAL_SWITCHES).map(([name, about]) => `  ${name.padEnd(14)}${about}`),
    `Properties: ${Object.keys(PROPERTIES).join(', ')}`,
  ]
}

function run(what: string, flags: Flags): void {
  const { json = false } = flags
  if (what === 'rules') return runRows(json)
  const checks = what === 'all' ? ALL : CHECKS.filter(({ name }) => name === what)
  if (checks.length === 0)
    throw new Error(`no check '${what}': ${CHECKS.map(({ name }) => name).join(', ')}, rules, all`)
  const { property, ...rest } = flags
  const options: CheckOptions = property ? { ...rest, properties: property } : rest
  for (const check of checks) {
    const startedMs = performance.now()
    const outcome = check.run(options, progress(check.name))
    const seconds = (performance.now() - startedMs) / 1000
    clearProgress()
    const ok = isExpected(outcome, flags.expectViolation || (check.loses ?? false))
    if (json) printJson({ ...outcome, seconds: Number(seconds.toFixed(2)), ok })
    else for (const line of readable(check, outcome, seconds)) print(line)
    if (!ok) process.exitCode = 1
  }
}

function isExpected({ violations, complete, states, expected }: Outcome, toLose: boolean): boolean {
  if (toLose) return violations.length > 0
  return violations.length === 0 && complete && (expected ?? states) === states
}

function readable({ about }: Check, outcome: Outcome, seconds: number): string[] {
  const { name, states, transitions, depth, complete, expected, violations, notes } = outcome
  const verdict = expected === undefined ? '' : expected === states ? ', as published' : `, and not ${count(expected)}`
  const lost = violations.map(({ property, steps }) => `${property} in ${steps.length - 1}`)
  const whole = complete ? 'all of them seen' : lost.length > 0 ? 'stopped there' : 'stopped at the limit'
  return [
    `${name}: ${about}`,
    `  ${count(states)} states${verdict}; ${count(transitions)} transitions, ${depth} deep, ${seconds.toFixed(1)} s; ${whole}`,
    ...notes.map((text) => `  ${text}`),
    lost.length > 0 ? `  lost: ${lost.join(', ')}` : '  nothing is lost',
    ...distinct(violations).flatMap(drawn),
  ]
}

/** Several properties are often lost by one and the same path. */
function distinct(violations: readonly Counterexample[]): Counterexample[] {
  const seen = new Set<string>()
  return violations.filter(({ steps }) => {
    const path = steps.map(({ step }) => step).join()
    return !seen.has(path) && seen.add(path)
  })
}

function drawn({ property, steps }: Counterexample): string[] {
  const width = Math.max(...steps.map(({ step }) => step.length)) + 2
  const indent = `\n${' '.repeat(width + 4)}`
  return [
    `  ${property}:`,
    ...steps.map(({ step, state }) => `    ${step.padEnd(width)}${state.replaceAll('\n', indent)}`),
  ]
}

/** A table of the rules, or one value a row. */
function runRows(json: boolean): void {
  const lines = [['rule', 'states', 'lost', 'command']]
  for (const row of ROWS) {
    const { states, found, asExpected } = tryRow(row, progress(row.rule))
    clearProgress()
    if (!asExpected) process.exitCode = 1
    if (json) printJson({ rule: row.rule, states, lost: found, command: commandOf(row), ok: asExpected })
    else lines.push([row.rule, count(states), asExpected ? found : `${found} (unexpected)`, commandOf(row)])
  }
  if (!json) for (const line of table(lines)) print(line)
}

/** A line on a terminal that the next one overwrites; nothing elsewhere. */
function progress(name: string): Report {
  const { stderr } = process
  if (!stderr.isTTY) return () => {}
  return ({ states, depth }) => stderr.write(`\r\x1b[K${name}: ${count(states)} states, ${depth} deep`)
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
}

function ids(text: string): number[] {
  if (!/^\d(,\d)*$/.test(text)) throw new InvalidArgumentError('ids as in 0,2,4 are expected.')
  return text.split(',').map(Number)
}
