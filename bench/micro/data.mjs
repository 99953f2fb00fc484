/** Inputs, the same in each run. */
import { Id } from '../../dist/core/id.js'
import { packIds } from '../../dist/native/ids.js'
import { randomFrom } from '../lib/random.mjs'
import { importTypeScript } from '../lib/typescript.mjs'

export const bigint = await importTypeScript('limit/bigint')

export const COUNT = 1024
const SUCCESSORS = 8
const RING = 1n << 160n

export function idSet(name, count) {
  return setOf(Array.from({ length: count }, (_, i) => Id.hash(`${name} ${i}`)))
}

/** What one node of a ring of so many routes by: its successors and its distinct fingers, which lie beyond the powers of two. */
export function ringTable(nodes) {
  const { numbers } = idSet('node', nodes)
  const self = numbers[0]
  const distances = numbers.slice(1).map((number) => BigInt.asUintN(160, number - self))
  distances.sort((a, b) => (a < b ? -1 : 1))
  const known = new Set(distances.slice(0, SUCCESSORS))
  for (let bit = 0n; bit < 160n; bit++) {
    const finger = distances.find((distance) => distance >= 1n << bit)
    if (finger !== undefined) known.add(finger)
  }
  return tableOf(self, [...known])
}

/** As no ring has it, and textbooks do: a finger at each power of two. */
export function powerTable() {
  const { numbers } = idSet('node', 1)
  return tableOf(
    numbers[0],
    Array.from({ length: 160 }, (_, bit) => 1n << BigInt(bit)),
  )
}

function tableOf(self, distances) {
  distances.sort((a, b) => (a < b ? -1 : 1))
  const ids = distances.map((distance) => idOf(self + distance))
  return { self: idOf(self), least: distances[0], ...setOf(ids) }
}

/**
 * Keys as a node on their way sees them: as many at each bit length of the distance that is left, from that of its first successor
 * on; nearer ones have arrived. So many that no branch predictor remembers them.
 */
export function keysOnTheirWay({ self, least }, count) {
  const random = randomFrom(1)
  const bits = (length) => {
    let value = 0n
    for (let i = 0; i < length; i += 32) value = (value << 32n) | BigInt(Math.floor(random() * 2 ** 32))
    return value & ((1n << BigInt(length)) - 1n)
  }
  const shortest = least.toString(2).length
  const from = BigInt(`0x${self}`)
  const ids = Array.from({ length: count }, () => {
    const exponent = shortest - 1 + random() * (161 - shortest)
    const whole = Math.floor(exponent)
    const fraction = BigInt(Math.floor(2 ** (exponent - whole) * 2 ** 48))
    const distance = whole >= 48 ? (fraction << BigInt(whole - 48)) | bits(whole - 48) : fraction >> BigInt(48 - whole)
    return idOf(from + distance)
  })
  return setOf(ids)
}

function idOf(number) {
  return Id.parse((number % RING).toString(16).padStart(40, '0'))
}

function setOf(ids) {
  const packed = packIds(ids)
  return { ids, packed, numbers: ids.map((_, i) => bigint.numberOf(packed, 20 * i)) }
}
