/** `chordite check` as a user runs it; what it explores is tested in test/simulation/model*.test.ts. */
import { expect, it } from 'vitest'
import { chordite, lines } from './chordite.ts'

const SMALL = ['--nodes', '4', '--initial', '0,1,2']

it('says how many states there are, and that nothing is lost', async () => {
  const { code, stdout, stderr } = await chordite(['check', 'zave', ...SMALL, '--heal'])
  expect(stderr).toBe('')
  expect(stdout).toMatch(
    /^zave: .*\n {2}2,577 states; .* all of them seen\n {2}2577 states heal .*\n {2}nothing is lost\n$/,
  )
  expect(code).toBe(0)
})

it('a rule switched off: prints the way to the loss, exit code 1', async () => {
  const { code, stdout } = await chordite(['check', 'ours', ...SMALL, '--without', 'ask'])
  expect(stdout).toContain('  lost: LiveSuccessor in 8')
  expect(lines(stdout).at(-1)).toContain('no ring')
  expect(code).toBe(1)
})

it('a loss that is expected: exit code 0, and 1 without one', async () => {
  const lost = await chordite(['check', 'ours', ...SMALL, '--without', 'ask', '--expect-violation'])
  expect(lost.code).toBe(0)
  const kept = await chordite(['check', 'ours', ...SMALL, '--expect-violation'])
  expect(kept.code).toBe(1)
  const original = await chordite(['check', 'original'])
  expect(original.code).toBe(0)
})

it('--json: one value a check', async () => {
  const { code, stdout } = await chordite(['check', 'zave-atomic', ...SMALL, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    name: 'zave-atomic',
    states: 555,
    complete: true,
    violations: [],
    ok: true,
  })
  expect(code).toBe(0)
})

it('an exploration that a limit ended has not shown anything: exit code 1', async () => {
  const { code, stdout } = await chordite(['check', 'ours', '--limit', '1000'])
  expect(stdout).toContain('stopped at the limit')
  expect(code).toBe(1)
})

it.each([
  [['nonsense'], "chordite: no check 'nonsense'"],
  [['ours', '--without', 'gravity'], "chordite: no rule 'gravity'"],
  [['ours', '--initial', 'a'], "chordite: option '--initial <ids>' argument 'a' is invalid"],
])('%j is refused in one line', async (args, error) => {
  const { code, stderr } = await chordite(['check', ...args])
  expect(lines(stderr)).toHaveLength(1)
  expect(stderr).toContain(error)
  expect(code).toBe(1)
})
