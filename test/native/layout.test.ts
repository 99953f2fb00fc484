import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
// @ts-expect-error plain JavaScript, which runs before anything is compiled
import * as install from '../../scripts/install.mjs'
import { layoutDifference } from '../../src/native/layout.ts'
import { addonPaths, loadNative, platformTag } from '../../src/native/load.ts'

const native = loadNative()

describe.skipIf(!native.ok)('the addon', () => {
  const { addon, info } = native as Extract<typeof native, { ok: true }>

  test('has our layout', () => {
    expect(layoutDifference(info.layout)).toBeUndefined()
    expect(Object.keys(info.layout).length).toBeGreaterThan(60)
  })

  test('is refused for any other number, missing or new name', () => {
    for (const name of Object.keys(info.layout)) {
      expect(layoutDifference({ ...info.layout, [name]: info.layout[name]! + 1 })).toContain(name)
      const { [name]: _, ...rest } = info.layout
      expect(layoutDifference(rest)).toContain(name)
    }
    expect(layoutDifference({ ...info.layout, EXTRA: 1 })).toContain('EXTRA')
  })

  test('exports a dozen functions at most', () => {
    expect(Object.keys(addon).length).toBeLessThanOrEqual(12)
  })

  test('says what it runs on', () => {
    expect(info.poller).toBe(process.env.CHORDITE_TEST_POLLER ?? (process.platform === 'linux' ? 'epoll' : 'kqueue'))
    expect(['avx512', 'sha-ni', 'avx512 alone', 'portable']).toContain(info.sha1)
  })

  test('throws on wrong arguments instead of reading them', () => {
    const anything = addon as unknown as Record<string, (...args: unknown[]) => unknown>
    for (const name of Object.keys(anything)) {
      if (name === 'info') continue
      for (const args of [[], [{}], [1, 2, 3, 4, 5, 6, 7, 8], [null, null, null]]) {
        expect(() => anything[name]!(...args), name).toThrow(TypeError)
      }
    }
    expect(() => addon.sha1Batch(new Uint8Array(4), Uint32Array.of(0, 5), new Uint8Array(20))).toThrow('offsets')
    expect(() => addon.sha1Batch(new Uint8Array(4), Uint32Array.of(2, 1), new Uint8Array(20))).toThrow('offsets')
    expect(() => addon.sha1Batch(new Uint8Array(4), Uint32Array.of(0, 1), new Uint8Array(19))).toThrow(TypeError)
  })
})

test('every number of wire/layout.ts that C++ knows is in native/layout.h', () => {
  const header = readFileSync(new URL('../../native/layout.h', import.meta.url), 'utf8')
  for (const name of ['AT_LENGTH', 'FLAGS_KNOWN', 'EXTENSIONS_KNOWN', 'HELLO_MAGIC']) expect(header).toContain(name)
})

test('no file of the addon is longer than 400 lines', () => {
  const folder = new URL('../../native/', import.meta.url)
  const files = readdirSync(folder).filter((name) => /\.(cc|h)$/.test(name))
  const long = files.filter((name) => readFileSync(new URL(name, folder), 'utf8').split('\n').length > 401)
  expect(files.length).toBeGreaterThan(10)
  expect(long).toEqual([])
})

test('the install script and the loader look in the same places', () => {
  expect(install.platformTag()).toBe(platformTag())
  expect(addonPaths()).toContain(install.shippedPath())
})
