import { defineConfig } from 'vitest/config'

/** Tests that start many processes and watch the clock: one file at a time, after the others. */
const PROCESSES = ['test/e2e/**/*.test.ts', 'test/acceptance/**/*.test.ts', 'test/cli/**/*.test.ts']

/** `.ci/run` adds up the counts of its test runs; the command that it runs is still plain `npm test`. */
const report = process.env.CHORDITE_TEST_REPORT

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    setupFiles: process.env.CHORDITE_LEAK_CHECK ? ['test/support/leak-check.ts'] : [],
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: PROCESSES,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: PROCESSES,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
