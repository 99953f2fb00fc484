/** What the machine was, and how much of it others were using while we measured. */
import { readFileSync } from 'node:fs'
import os from 'node:os'

const TICK_MS = 10
const PRESSURE_BUSY = 10
const OTHERS_BUSY_CORES = 0.15

export function machine() {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    system: `${os.type()} ${os.release()}`,
    node: process.version,
  }
}

/** Call it before measuring, then the result after, with the CPU time that our own processes used meanwhile, if known. */
export function watchMachine() {
  const before = read()
  return (ownCpuMs) => {
    const after = read()
    const wallMs = after.atMs - before.atMs
    const known = before.busyMs !== undefined && ownCpuMs !== undefined
    const othersCores = known ? (after.busyMs - before.busyMs - ownCpuMs) / wallMs : undefined
    const reasons = []
    if (before.pressure !== undefined && before.pressure > PRESSURE_BUSY) {
      reasons.push(`processes waited for a CPU ${before.pressure} % of the 10 s before`)
    }
    if (othersCores !== undefined && othersCores > OTHERS_BUSY_CORES) {
      reasons.push(`other processes used ${othersCores.toFixed(2)} cores meanwhile`)
    }
    return { pressureAvg10Before: before.pressure, othersCores, busy: reasons.length > 0, reasons }
  }
}

function read() {
  return { atMs: performance.now(), pressure: readPressure(), busyMs: readBusyMs() }
}

/** `some avg10` of /proc/pressure/cpu, in per cent; undefined where the kernel does not tell. */
function readPressure() {
  const match = /some avg10=([\d.]+)/.exec(readIfThere('/proc/pressure/cpu'))
  return match ? Number(match[1]) : undefined
}

/** All time that was not idle, stolen time included, of all cores. */
function readBusyMs() {
  const fields = /^cpu +(.*)$/m.exec(readIfThere('/proc/stat'))?.[1]?.split(' ').map(Number)
  if (fields === undefined) return undefined
  const [user, nice, system, , , irq, softirq, steal] = fields
  return (user + nice + system + irq + softirq + steal) * TICK_MS
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
