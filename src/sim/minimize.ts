/** Delta debugging: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", TSE 28(2), 2002. */

/**
 * Some of `items`, in their order, of which none can be taken away without `fails` becoming false. `fails(items)` must
 * hold. Big pieces are tried first.
 */
export function minimize<T>(items: readonly T[], fails: (rest: T[]) => boolean): T[] {
  if (fails([])) return []
  let left = [...items]
  for (let pieces = 2; left.length >= 2; ) {
    const size = Math.ceil(left.length / pieces)
    const reduced = withoutOnePiece(left, size, fails)
    if (reduced !== undefined) {
      left = reduced
      pieces = Math.max(2, pieces - 1)
    } else if (size === 1) break
    else pieces = Math.min(left.length, 2 * pieces)
  }
  return left
}

function withoutOnePiece<T>(items: readonly T[], size: number, fails: (rest: T[]) => boolean): T[] | undefined {
  // From the end: what comes late depends on what comes early, and not the other way round.
  for (let end = items.length; end > 0; end -= size) {
    const rest = [...items.slice(0, Math.max(0, end - size)), ...items.slice(end)]
    if (rest.length < items.length && rest.length > 0 && fails(rest)) return rest
  }
  return undefined
}
