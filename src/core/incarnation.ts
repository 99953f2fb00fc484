/**
 * Which life of its this process counts as: later than every one that it or anybody else remembers, so that what is said
 * of an earlier life is never taken for news of this one (protocol.md, "Words").
 */

/** Of a process that starts. `saved` is what its state file says, 0 if there is none. */
export function incarnationAt(saved: bigint, wallClockMs: number): bigint {
  const wallClock = BigInt(Math.floor(wallClockMs))
  return saved >= wallClock ? saved + 1n : wallClock
}

/** Of one that learns that the ring remembers `known` of it. */
export function incarnationAbove(known: bigint, own: bigint): bigint {
  return known >= own ? known + 1n : own
}
