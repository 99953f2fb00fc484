/**
 * How much of the machine others were using while we measured. Two signs, for one round each:
 *
 *   othersCores   CPU time of everybody (`/proc/stat`, no interrupts), less what our own processes used, divided by the wall time
 *   waiting       share of the time in which some process that could run waited for a CPU (`/proc/pressure/cpu`)
 *
 * The first decides. Our own processes wait for each other too, with V8's helper threads beside two busy main threads,
 * so that the second is told, not judged.
 */
import { readFileSync } from 'node:fs'

const TICK_MS = 10
/** On two cores that is 7.5 % of what there is: it can move a rate by no more, and ratios of CPU time far less. */
export const OTHERS_BUSY_CORES = 0.15
/** With at most a third of the rounds disturbed, the median is still a figure of an undisturbed one. */
const BUSY_ROUNDS_MAX = 1 / 3
const PRESSURE_BUSY_PERCENT = 10

/** Call it before a round, then the result after it, with the CPU time that our other processes used meanwhile. */
export function watchMachine() {
  const before = read()
  return (childrenCpuMs) => {
    const after = read()
    const wallMs = after.atMs - before.atMs
    const per = (name) => (before[name] === undefined ? undefined : (after[name] - before[name]) / wallMs)
    const everybody = per('busyMs')
    const ours = per('ownMs') + childrenCpuMs / wallMs
    return {
      pressureAvg10: before.pressureAvg10,
      waiting: per('waitedMs'),
      othersCores: everybody === undefined ? undefined : Math.max(0, everybody - ours),
    }
  }
}

/** Why rounds are not fit to be judged; undefined if they are. */
export function whyBusy(rounds) {
  const known = rounds.filter((round) => round.othersCores !== undefined)
  const disturbed = known.filter(isDisturbed)
  if (disturbed.length <= known.length * BUSY_ROUNDS_MAX) return undefined
  const worst = (name) => Math.max(...disturbed.map((round) => round[name] ?? 0))
  const waited = `somebody waited for a CPU up to ${Math.round(100 * worst('waiting'))} % of the time`
  return `others used up to ${worst('othersCores').toFixed(2)} cores, ${waited}, in ${disturbed.length} of ${known.length} rounds`
}

export function isDisturbed({ othersCores }) {
  return othersCores > OTHERS_BUSY_CORES
}

/** What was before we began, which cannot be ours. */
export function busyBefore() {
  const { pressureAvg10 } = read()
  const busy = pressureAvg10 > PRESSURE_BUSY_PERCENT
  return { pressureAvg10, reasons: busy ? [`processes waited for a CPU ${pressureAvg10} % of the 10 s before`] : [] }
}

function read() {
  const pressure = readIfThere('/proc/pressure/cpu')
  const { user, system } = process.cpuUsage()
  return {
    atMs: performance.now(),
    ownMs: (user + system) / 1000,
    busyMs: readBusyMs(),
    pressureAvg10: numberIn(/some avg10=([\d.]+)/, pressure),
    waitedMs: numberIn(/some .*total=(\d+)/, pressure, 1000),
  }
}

function numberIn(pattern, text, divisor = 1) {
  const match = pattern.exec(text)
  return match ? Number(match[1]) / divisor : undefined
}

/**
 * Time of all cores that somebody used, stolen time included. Not that of interrupts: where the kernel counts it apart from processes, all
 * that goes over loopback is received in it, half a core beside a busy server, and that is our own.
 */
function readBusyMs() {
  const fields = /^cpu +(.*)$/m.exec(readIfThere('/proc/stat'))?.[1]?.split(' ').map(Number)
  if (fields === undefined) return undefined
  const [user, nice, system, , , , , steal] = fields
  return (user + nice + system + steal) * TICK_MS
}

/** Other systems have no /proc; there the figures are undefined. */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
