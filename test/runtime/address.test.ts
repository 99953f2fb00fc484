import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAddress, isWildcard, parseAddress } from '../../src/runtime/address.ts'

describe('parseAddress', () => {
  test.each([
    ['127.0.0.1:7000', { host: '127.0.0.1', port: 7000, dns: false }],
    ['localhost:0', { host: 'localhost', port: 0, dns: false }],
    ['[::1]:7000', { host: '::1', port: 7000, dns: false }],
    ['[fe80::1%eth0]:7000', { host: 'fe80::1%eth0', port: 7000, dns: false }],
    ['ring-0.ring.default.svc:7000', { host: 'ring-0.ring.default.svc', port: 7000, dns: false }],
    ['dns://ring.example:65535', { host: 'ring.example', port: 65_535, dns: true }],
  ])('%s', (text, value) => {
    expect(parseAddress(text)).toEqual({ ok: true, value })
  })

  test.each([
    '',
    'host',
    ':7000',
    'host:',
    'host:65536',
    'host:-1',
    'host:7e3',
    'ho st:7000',
    '::1:7000',
    '[::1]7000',
    '[host]:7000',
    'http://host:7000',
    'dns://[::1]:7000',
    'dns://dns://x:1',
    'host:7000/path',
    `${'h'.repeat(254)}:1`,
  ])('%j is none', (text) => {
    const parsed = parseAddress(text)
    expect(parsed).toMatchObject({ ok: false, code: 'ERR_BAD_ADDRESS' })
    if (!parsed.ok) expect(parsed.message).toContain('use host:port')
  })

  test('any text is a result', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseAddress(text).ok === 'boolean'))
  })

  test('what was formatted is read back', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.nat(65_535), (name, port) => {
        expect(parseAddress(formatAddress(name, port))).toEqual({ ok: true, value: { host: name, port, dns: false } })
      }),
    )
  })
})

test('wildcards', () => {
  expect(['0.0.0.0', '::', '127.0.0.1', '::1'].map(isWildcard)).toEqual([true, true, false, false])
})
