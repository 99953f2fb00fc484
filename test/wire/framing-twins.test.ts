/** native/framing.h and src/wire/framing.ts, on the same bytes. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { bodyOffset, checkFrame, FRAME_FAULTS, isHello, makeRing } from '../../src/wire/framing.ts'
import * as L from '../../src/wire/layout.ts'

/** In the order of `Verdict`. */
const VERDICTS = ['whole', 'partial', 'length', 'version', 'reserved', 'extensions', 'padding']
const compiler = process.env.CXX ?? 'c++'
const missing = spawnSync(compiler, ['--version']).status === 0 ? '' : `: ${compiler} is not installed`

describe.skipIf(missing !== '')(`framing in C++ and in TypeScript${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'chordite-twins-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  function build(): string {
    const program = join(folder, 'framing_verdicts')
    const source = fileURLToPath(new URL('../../native/test/framing_verdicts.cc', import.meta.url))
    const built = spawnSync(compiler, ['-std=c++20', '-O1', source, '-o', program], { encoding: 'utf8' })
    expect(built.stderr).toBe('')
    return program
  }

  /** Random bytes, mostly under a header that could be one, sometimes with one byte of it changed. */
  const input = fc
    .record({
      // Otherwise an array in an array is short.
      bytes: fc.uint8Array({ maxLength: 200, size: 'max' }),
      plausible: fc.boolean(),
      length: fc.oneof(fc.nat(210), fc.constantFrom(65_536, 65_537, 0xffffffff)),
      type: fc.constantFrom(L.TYPE_HELLO, L.TYPE_REQUEST),
      extensions: fc.nat(L.EXTENSIONS_KNOWN),
      magic: fc.boolean(),
      zeros: fc.boolean(),
      change: fc.option(fc.tuple(fc.nat(47), fc.nat(255))),
    })
    .map(({ bytes, plausible, length, type, extensions, magic, zeros, change }) => {
      if (!plausible || bytes.length < L.HEADER_BYTES) return bytes
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      if (zeros) bytes.fill(0)
      view.setUint32(L.AT_LENGTH, length, true)
      view.setUint16(L.AT_TYPE, type, true)
      view.setUint16(L.AT_FLAGS, 0, true)
      view.setUint16(L.AT_EXTENSIONS, extensions, true)
      bytes[L.AT_VERSION] = L.PROTOCOL_VERSION
      bytes[L.AT_RESERVED] = 0
      if (magic && bytes.length >= L.HEADER_BYTES + 4) view.setUint32(L.HEADER_BYTES, L.HELLO_MAGIC, true)
      if (change !== null && change[0] < bytes.length) bytes[change[0]] = change[1]
      return bytes
    })

  test('see the same', () => {
    const program = build()
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(input, { minLength: 100, maxLength: 300 }), (inputs) => {
        const native = verdicts(program, inputs)
        for (const [index, bytes] of inputs.entries()) {
          const twin = look(bytes)
          seen.add(twin.verdict)
          expect(native[index]).toEqual(twin)
        }
      }),
      { numRuns: 50 },
    )
    expect([...seen].sort()).toEqual([...VERDICTS].sort())
  })
})

interface Look {
  verdict: string
  length: number
  extensionBytes: number
  hello: boolean
}

function verdicts(program: string, inputs: readonly Uint8Array[]): Look[] {
  const records = inputs.flatMap((bytes) => [new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes])
  const { status, stdout } = spawnSync(program, { input: Buffer.concat(records), maxBuffer: 1 << 24 })
  expect(status).toBe(0)
  const words = new Uint32Array(Uint8Array.from(stdout).buffer)
  return inputs.map((_, index) => {
    const [verdict, length, extensionBytes, hello] = words.subarray(4 * index, 4 * index + 4)
    return lookOf(VERDICTS[verdict!]!, length!, extensionBytes!, hello === 1)
  })
}

function look(bytes: Uint8Array): Look {
  const ring = makeRing(bytes.length)
  ring.bytes.set(bytes)
  const size = checkFrame(ring, 0, bytes.length)
  if (size <= 0) return lookOf(size === 0 ? 'partial' : FRAME_FAULTS[-size]!, 0, 0, false)
  return lookOf('whole', ring.words[0]!, bodyOffset(ring, 0) - L.HEADER_BYTES, isHello(ring, 0))
}

/** The length of a frame that has not come whole is of no interest here. */
function lookOf(verdict: string, length: number, extensionBytes: number, hello: boolean): Look {
  return { verdict, length: verdict === 'whole' ? length : 0, extensionBytes, hello }
}
