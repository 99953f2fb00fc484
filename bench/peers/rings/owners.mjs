/** Who owns a key, by the definitions: points are hexadecimal digits of one length. */

/** Chord: the first at or after the key, round the ring. `points` ascend. */
export function successorOf(point, points) {
  let [low, high] = [0, points.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (points[middle] < point) low = middle + 1
    else high = middle
  }
  return points[low] ?? points[0]
}

/** Kademlia: the nearest by exclusive or, other than the one that asks, which does not count itself. */
export function nearestTo(point, points, asker) {
  const distance = (other) => BigInt(`0x${point}`) ^ BigInt(`0x${other}`)
  return points
    .filter((other) => other !== asker)
    .reduce((best, other) => (best === undefined || distance(other) < distance(best) ? other : best), undefined)
}
