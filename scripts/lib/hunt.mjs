/**
 * node hunt.mjs FOLDER FIRST LAST SECONDS: plays seeds with the library in FOLDER/dist until an oracle objects or the time is
 * up. Its last line is JSON: how many seeds that took, and what was wrong.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, first, last, seconds] = process.argv.slice(2)
const load = (file) => import(pathToFileURL(join(folder, 'dist/sim', file)).href)
const [{ play }, { swarm }] = await Promise.all([load('play.js'), load('swarm.js')])

const endMs = performance.now() + 1000 * Number(seconds)
let seed = Number(first)
let caught
for (; seed <= Number(last) && performance.now() < endMs; seed++) {
  caught = play(swarm(seed)).violations[0]
  if (caught !== undefined) break
}
const seeds = seed - Number(first) + (caught === undefined ? 0 : 1)
console.log(JSON.stringify({ seeds, seed, oracle: caught?.oracle, text: caught?.text.split('\n')[0] }))
