/** Members that were closed leave their ring when the process has nothing else to do. */

/** They do not hold the process up for longer than that. */
export const LEAVE_MS = 2_000

const leaving = new Set<() => Promise<void>>()

/** Not called if the process is ended by `process.exit` or by a signal: then the ring finds out by itself. */
export function atExit(leave: () => Promise<void>): void {
  if (leaving.size === 0) process.once('beforeExit', leaveAll)
  leaving.add(leave)
}

export function notAtExit(leave: () => Promise<void>): void {
  leaving.delete(leave)
  if (leaving.size === 0) process.off('beforeExit', leaveAll)
}

function leaveAll(): void {
  for (const leave of leaving) void leave()
  leaving.clear()
}
