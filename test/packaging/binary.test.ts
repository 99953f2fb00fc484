import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
// @ts-expect-error plain JavaScript
import * as binary from '../../scripts/lib/binary.mjs'

const { complaints, inspect } = binary as {
  complaints(path: string, arch: string): string[]
  inspect(path: string): { glibc?: string }
}

const PROGRAM = `
#include <sys/stat.h>
#include <stdexcept>
extern "C" int size(const char* path) {
  struct stat found;
  if (stat(path, &found) != 0) throw std::runtime_error(path);
  return static_cast<int>(found.st_size);
}
`

const tools = ['c++', 'readelf'].every((tool) => spawnSync(tool, ['--version']).status === 0)

/** Everything that our binaries may not do: the C++ library is not linked in, and from glibc 2.33 on stat() is its own symbol. */
describe.skipIf(process.platform !== 'linux' || !tools)('a binary that asks for too much', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chordite-binary-'))
  const path = join(folder, 'program.so')
  afterAll(() => rmSync(folder, { recursive: true }))
  beforeAll(() => {
    writeFileSync(join(folder, 'program.cc'), PROGRAM)
    const built = spawnSync('c++', ['-shared', '-fPIC', join(folder, 'program.cc'), '-o', path], { encoding: 'utf8' })
    expect(built.stderr).toBe('')
  })

  test('is found out', () => {
    const found = complaints(path, process.arch)
    expect(found).toContain('it needs libstdc++.so.6')
    expect(found).toContainEqual(expect.stringMatching(/^it needs the C\+\+ runtime's GLIBCXX_/))
    const minor = Number(inspect(path).glibc?.split('.')[1])
    expect(minor).toBeGreaterThan(0)
    expect(found.includes(`it needs glibc 2.${minor}`)).toBe(minor > 28)
  })

  test('is for one processor', () => {
    const other = process.arch === 'x64' ? 'arm64' : 'x64'
    expect(complaints(path, other)).toContainEqual(expect.stringMatching(new RegExp(`^it is for .*, not ${other}$`)))
  })
})
