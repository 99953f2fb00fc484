/** `chordite sim`: seeds, summaries, hashes, and what a failure leaves behind, with a copy of the build in which a rule is off. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { countSeeds, type Summary } from '../../src/sim/summary.ts'
import { chordite, lines, MAIN } from './chordite.ts'

const folder = mkdtempSync(join(tmpdir(), 'chordite-sim-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('chordite sim', () => {
  it('plays a seed, the same each time, and says what came of it', async () => {
    const { code, stdout } = await chordite(['sim', '--seed', '3'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^seed 3: [\d,]+ events in [\d.]+ s of simulated time/)
    const again = await chordite(['sim', '--seed', '3', '--hash'])
    expect(stdout).toContain(again.stdout.trim())
  })

  it('has one hash for a range of seeds, whatever the number of threads', async () => {
    const one = await chordite(['sim', '--seeds', '1..6', '--jobs', '1', '--hash'])
    const two = await chordite(['sim', '--seeds', '1..6', '--jobs', '3', '--hash'])
    expect(one.stdout).toMatch(/^hash [0-9a-f]{16}\n$/)
    expect(two.stdout).toBe(one.stdout)
  })

  it('goes on where its summary ends', async () => {
    const file = join(folder, 'summary.json')
    await chordite(['sim', '--seeds', '1..4', '--summary', file])
    const first = JSON.parse(readFileSync(file, 'utf8')) as Summary
    expect(countSeeds(first)).toBe(4)
    const { stdout } = await chordite(['sim', '--seeds', '1..6', '--summary', file])
    const second = JSON.parse(readFileSync(file, 'utf8')) as Summary
    expect(second.seeds).toEqual([[1, 6]])
    expect(second.events).toBeGreaterThan(first.events)
    expect(lines(stdout)[0]).toBe('seeds       6')
    expect((await chordite(['sim', '--seeds', '1..6', '--summary', file, '--json'])).stdout).toBe(
      `${JSON.stringify(second)}\n`,
    )
    expect(existsSync(`${file}.new`)).toBe(false)
  })

  it('adds nothing to what other code has played, or plays of another kind', async () => {
    const file = join(folder, 'others.json')
    await chordite(['sim', '--seeds', '1..2', '--summary', file])
    const own = readFileSync(file, 'utf8')
    const older = own.replace(/, [0-9a-f]{12}, cores/, ', 0123456789ab, cores')
    const others: [text: string, ...flags: string[]][] = [[older], [own, '--whole'], [own, '--set', 'successors=2']]
    for (const [text, ...flags] of others) {
      writeFileSync(file, text)
      const { code, stderr } = await chordite(['sim', '--seeds', '1..3', '--summary', file, ...flags])
      expect(code).toBe(1)
      expect(stderr).toContain(`${file} counts what chordite`)
      expect(readFileSync(file, 'utf8')).toBe(text)
    }
  })

  it('plays a scenario', async () => {
    const path = fileURLToPath(new URL('../scenarios/isolation.txt', import.meta.url))
    expect(await chordite(['sim', '--scenario', path])).toMatchObject({ code: 0 })
    const wrong = join(folder, 'wrong.txt')
    writeFileSync(wrong, 'ring 0 4\n0: pred 0\n')
    const { code, stderr } = await chordite(['sim', '--scenario', wrong])
    expect(code).toBe(1)
    expect(stderr).toContain('line 2: 0: pred 0')
  })

  it.each([
    ['--seeds', ''],
    ['--seeds', '5..1'],
    ['--seeds', '1..2', '--trace'],
    ['--seed', '1', '--summary', join(folder, 'ignored.json')],
    ['--scenario', 'any.txt', '--seed', '1'],
    ['--whole', '--seed', '1', '--set', 'successors=2'],
    ['--seed', '1', '--set', 'successors=0'],
    ['--seed', '1', '--set', 'loss=200'],
    ['--seed', '1', '--set', 'delay=soon'],
  ])('refuses %s %s %s %s', async (...flags) => {
    const { code, stdout, stderr } = await chordite(['sim', ...flags])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^chordite: .*\n$/)
  })

  it.each(['garbage', '{"seeds":[[1,2]]}', 'null'])('leaves a file alone that is no summary: %s', async (text) => {
    const file = join(folder, 'other.json')
    writeFileSync(file, text)
    const { code, stderr } = await chordite(['sim', '--seeds', '1..2', '--summary', file])
    expect(code).toBe(1)
    expect(stderr).toContain(file)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('plays whole nodes', async () => {
    const { code, stdout } = await chordite(['sim', '--whole', '--seed', '2'])
    expect(code).toBe(0)
    expect(stdout).toContain('seed 2: ')
  })

  it.each([
    ['--seeds', '9..1'],
    ['--seed', '-1'],
    ['--set', 'services'],
    ['--set', 'colour=3'],
  ])('refuses %s %s', async (...flags) => {
    const { code, stderr } = await chordite(['sim', ...flags])
    expect(code).toBe(1)
    expect(lines(stderr)).toHaveLength(1)
  })
})

describe('a rule switched off', () => {
  /** The build with one line changed. */
  function mutant(file: string, find: string, replace: string): string {
    const root = join(folder, 'mutant')
    cpSync(dirname(dirname(MAIN)), join(root, 'dist'), { recursive: true })
    for (const name of ['package.json', 'node_modules']) {
      symlinkSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), join(root, name))
    }
    const path = join(root, 'dist', file)
    const text = readFileSync(path, 'utf8')
    expect(text.split(find)).toHaveLength(2)
    writeFileSync(path, text.replace(find, replace))
    return join(root, 'dist/cli/main.js')
  }

  it('is found, explained by one command, and shrunk to a scenario that fails without the rule and plays with it', async () => {
    // Every change of a range is an event.
    const grant = "core.setRange(rest, { lost: handover.lost, to: from, cause: 'grant' })"
    const main = mutant('core/responsibility.js', grant, 'core.range = rest')
    const run = (args: string[]) => spawnSync(process.execPath, [main, 'sim', ...args], { encoding: 'utf8' })
    const found = run(['--seeds', '1..4', '--jobs', '1'])
    expect(found.status).toBe(1)
    const [, seed] = found.stderr.match(/npx chordite sim --seed (\d+)\n/) as RegExpMatchArray
    const shrunk = run(['--seed', seed as string, '--shrink'])
    const text = shrunk.stdout.slice(shrunk.stdout.indexOf('# Seed'))
    expect(lines(text).length).toBeLessThan(30)
    const file = join(folder, 'shrunk.txt')
    writeFileSync(file, text)
    expect(run(['--scenario', file]).status).toBe(1)
    expect(await chordite(['sim', '--scenario', file])).toMatchObject({ code: 0, stderr: '' })
  })
})
