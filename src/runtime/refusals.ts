/** Counts, by reason, of what others sent us that was refused. */
import type { CloseReason } from '../transports/transport.ts'

export class Refusals {
  readonly #counts: Record<string, number> = {}

  count(reason: string): void {
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1
  }

  /** Together with what the transport refused; the ends of connections that are nobody's fault are left out. */
  with(closeReasons: Readonly<Record<CloseReason, number>>): Record<string, number> {
    const { local, ended, reset, refused, unreachable, ...faults } = closeReasons
    const all: Record<string, number> = { ...faults }
    for (const [reason, count] of Object.entries(this.#counts)) all[reason] = (all[reason] ?? 0) + count
    return all
  }
}
