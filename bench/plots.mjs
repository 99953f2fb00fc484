/**
 * `npm run bench:plots -- run.json`: docs/benchmarks.md and docs/plots anew from the `--json` of a run, or without an
 * argument from standard input.
 */
import { readFileSync } from 'node:fs'
import { writeDocs } from './report/docs.mjs'

writeDocs(JSON.parse(readFileSync(process.argv[2] ?? 0, 'utf8')))
