import { describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'
import { createNativeTransport } from '../../src/transports/native.ts'
import { createTcpTransport } from '../../src/transports/tcp.ts'
import { conformance } from './conformance.ts'
import { counting } from './counting.ts'
import { RealHarness } from './harness.ts'
import { hostility } from './hostility.ts'

const native = loadNative()

if (native.ok) {
  const create = (options: Parameters<typeof createNativeTransport>[0]) =>
    createNativeTransport({ ...options, poison: true })
  conformance('native', () => new RealHarness(create, create))
  conformance('native to tcp', () => new RealHarness(create, createTcpTransport))
  conformance('tcp to native', () => new RealHarness(createTcpTransport, create))
  counting('native', () => new RealHarness(create, create))
  hostility('native', create)
} else if (process.env.CHORDITE_REQUIRE_NATIVE === '1') {
  test('the addon loads', () => {
    expect.fail(native.reason)
  })
} else {
  describe.skip(`native transport: ${native.reason}`, () => {
    test('keeps the rules of transports', () => {})
  })
}
