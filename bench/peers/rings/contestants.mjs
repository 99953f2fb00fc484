/** Rings of whom, and what is done in them. `operations` are those that a library offers. */

export const OURS = 'chordite'
export const ORIGINAL = 'chordhelper'

export const contestants = [
  { name: OURS, kind: 'chordite', operations: ['lookup', 'request'] },
  { name: 'chordite/compat/chord', kind: 'compat', operations: ['request'] },
  { name: ORIGINAL, kind: 'chordhelper', operations: ['request'] },
  { name: 'hyperdht', kind: 'hyperdht', operations: ['lookup', 'request'] },
  { name: 'bittorrent-dht', kind: 'bittorrent-dht', operations: ['lookup'] },
]

export const operations = [
  { name: 'lookup', title: 'owner look-ups' },
  { name: 'request', title: 'routed requests' },
]

/** What one member of the ring has under way at a time. */
export const outstandings = [1, 64, 1024]

/** Processes: each node in one of its own, or all in one; each has an endpoint of its own in either. */
export const rings = [
  { nodes: 8, place: 'apart' },
  { nodes: 32, place: 'apart' },
  { nodes: 128, place: 'apart' },
  { nodes: 8, place: 'together' },
  { nodes: 32, place: 'together' },
  { nodes: 128, place: 'together' },
]

/**
 * With more processes than that each contestant is measured while no other one has any: dozens that only keep their ring up take a
 * part of the machine from the one that is measured. Up to 32 nodes each has two turns, the second in reversed order.
 */
export const NODES_BESIDE_EACH_OTHER = 8
export const NODES_TWICE = 32
