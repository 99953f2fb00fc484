/**
 * A client of a ring, and one of its members, that look up many names in one call: `worker.mjs CONTACT NETWORK`. Each `cold` is a
 * new client, which knows no range yet; `warm` is the same client again.
 */
import { connect, createNode } from '../../../dist/index.js'
import { answerParent, cpuMs } from '../../lib/worker.mjs'
import { wordAt } from '../lib/bytes.mjs'
import { someNames } from '../lib/names.mjs'
import { pointOf } from '../rings/chordite.mjs'
import { successorOf } from '../rings/owners.mjs'

const OPTIONS = { timeoutMs: 60_000 }
const [contact, network] = process.argv.slice(2)
let names = []
let packed
let owners
let client
const member = createNode({ join: [contact], network })
await member.start({ timeoutMs: 60_000 })

answerParent(
  {
    /** The names, and the first word of the point of each one's owner, among all `points`. */
    know({ count, points }) {
      names = someNames(count)
      packed = packedOf(names)
      const sorted = [...points].sort()
      owners = names.map((name) => Number.parseInt(successorOf(pointOf(name), sorted).slice(0, 8), 16))
    },
    async cold({ form }) {
      await client?.close()
      client = await connect({ to: [contact], network })
      return lookUp(client, form)
    },
    warm: ({ form }) => lookUp(client, form),
    member: ({ form }) => lookUp(member, form),
  },
  { point: String(member.members[0].id) },
)

/** From strings to objects, from packed keys to objects, or from packed keys to indexes of owners. */
async function lookUp(caller, form) {
  const keys = form === 'strings' ? names : packed
  const options = form === 'indexes' ? { ...OPTIONS, packed: true } : OPTIONS
  const beganMs = performance.now()
  const beganCpuMs = cpuMs()
  const results = await caller.lookupMany(keys, options)
  const took = { wallMs: performance.now() - beganMs, cpuMs: cpuMs() - beganCpuMs }
  return { ...took, ...(form === 'indexes' ? checkPacked(results) : check(results)) }
}

/** Every owner is checked, after the clock has stopped. */
function check(results) {
  const wrong = results.filter(({ ok, value }, i) => ok && wordAt(value.owner.id.bytes, 0) !== owners[i]).length
  const errors = results.filter(({ ok }) => !ok).map(({ error }) => error.message)
  return { wrong, failed: errors.length, mistakes: errors.slice(0, 1) }
}

function checkPacked({ owners: found, indexes, errors }) {
  const words = found.map(({ owner }) => wordAt(owner.id.bytes, 0))
  const wrong = owners.filter((owner, i) => indexes[i] >= 0 && words[indexes[i]] !== owner).length
  return { wrong, failed: errors.size, mistakes: [...errors.values()].slice(0, 1).map(({ message }) => message) }
}

/** What packing costs is not measured: programs have their keys in that form, or give strings. */
function packedOf(texts) {
  const encoder = new TextEncoder()
  const parts = texts.map((text) => encoder.encode(text))
  const offsets = new Uint32Array(parts.length + 1)
  for (const [i, part] of parts.entries()) offsets[i + 1] = offsets[i] + part.length
  return { bytes: Buffer.concat(parts), offsets }
}
