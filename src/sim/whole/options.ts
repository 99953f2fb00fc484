/** What options of worlds may be. Whatever is misspelt or out of range is refused: a fault that never comes tests nothing. */
import { known } from '../../core/config.ts'
import { ChordError } from '../../core/errors.ts'
import type { Delay } from '../conditions.ts'

/** `o` with only those of its options that are in `names`. */
export function only<T extends object, K extends keyof T & string>(o: T, names: readonly K[]): Partial<Pick<T, K>> {
  return Object.fromEntries(Object.entries(o).filter(([name]) => names.includes(name as K))) as Partial<Pick<T, K>>
}

/** Errors: ERR_BAD_OPTION for what is no number, or not from `min` to `max`; undefined passes. */
export function checkNumber(name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (value === undefined || (typeof value === 'number' && value >= min && value <= max)) return
  throw bad(`${name} must be a number from ${min} to ${max}, got ${String(value)}`)
}

/** The same for what is counted. */
export function checkWhole(name: string, value: unknown, min: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= min)) return
  throw bad(`${name} must be a whole number of at least ${min}, got ${String(value)}`)
}

/** A number, or the least and the most. */
export function checkSpan(name: string, value: number | readonly [number, number] | undefined, min: number): void {
  const [least, most] = Array.isArray(value) ? value : [value, value]
  checkWhole(name, least, min)
  checkWhole(name, most, least ?? min)
}

const DELAYS: Readonly<Record<Delay['kind'], readonly string[]>> = {
  constant: ['ms'],
  uniform: ['minMs', 'maxMs'],
  heavy: ['medianMs'],
  bimodal: ['nearMs', 'farMs', 'farPercent'],
  placed: ['ms'],
}

export function checkDelay(delay: Delay | undefined): void {
  if (delay === undefined) return
  const names = DELAYS[delay.kind]
  if (names === undefined) throw bad(`a delay is ${Object.keys(DELAYS).join(', ')}, not '${String(delay.kind)}'`)
  const values = known(delay, `option of a delay that is ${delay.kind}`, ['kind', ...names])
  if (delay.kind === 'placed') {
    if (typeof delay.ms !== 'function') throw bad('ms of a delay that is placed must be a function')
    return
  }
  for (const name of names) {
    if (values[name] === undefined) throw bad(`a delay that is ${delay.kind} needs ${name}`)
    checkNumber(`delay.${name}`, values[name], 0)
  }
}

export function bad(text: string): ChordError {
  return new ChordError('ERR_BAD_OPTION', text)
}
