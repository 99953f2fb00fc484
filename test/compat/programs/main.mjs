/** `node main.mjs LIBRARY PROGRAM`: one program in a process of its own; its transcript, as JSON, is all that it prints. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { transcriptOf } from './stage.mjs'

const [library, name] = process.argv.slice(2)
const chord = createRequire(import.meta.url)(library)
const { default: program } = await import(pathToFileURL(new URL(`./${name}.mjs`, import.meta.url).pathname))
const lines = await transcriptOf(program, chord)
process.stdout.write(`${JSON.stringify(lines)}\n`, () => {
  // The original never ends by itself unless it was closed; nor may this one, if that is what it is about.
  if (name !== 'closing') process.exit()
})
