import { expect, test } from 'vitest'
import { chordite } from './chordite.ts'

test('doctor says what is in use and why', async () => {
  const { code, stdout } = await chordite(['doctor', '--json'])
  expect(code).toBe(0)
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({ node: process.version, platform: process.platform, arch: process.arch })
  expect(['native', 'tcp']).toContain(report.transport)
  expect(report.reason).toEqual(expect.any(String))
  const people = await chordite(['doctor'])
  expect(people.code).toBe(0)
  expect(people.stdout).toContain(`${report.transport}: ${report.reason}`)
})
