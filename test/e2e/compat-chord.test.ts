/** `chordite/compat/chord` as a program gets it: by `import` and by `require`, in processes that end when they may. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { port } from '../compat/programs/stage.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a program; what it prints, and its exit code. */
function run(kind: 'module' | 'commonjs', program: string): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const given = ['--no-warnings', `--input-type=${kind}`, '-e', program]
    execFile(process.execPath, given, { cwd: ROOT, timeout: 20_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
    })
  })
}

const EXPORTS =
  'Chord Client add_exp equal_to hash in_half_open_range in_range key_equals less_than less_than_or_equal next_key'

describe('the module', () => {
  it('can be imported, by name and whole', async () => {
    const program = `
      import chord, * as all from 'chordite/compat/chord'
      import { Chord } from 'chordite/compat/chord'
      console.log(Object.keys(chord).join(' '), Chord === chord.Chord, all.hash === chord.hash)`
    expect((await run('module', program)).out).toBe(`${EXPORTS} true true\n`)
  })

  it('can be required', async () => {
    const program = `const chord = require('chordite/compat/chord'); console.log(Object.keys(chord.default).join(' '), chord.hash('a'))`
    expect((await run('commonjs', program)).out).toBe(`${EXPORTS} [ 2811532092, 1431744539, 1431744539, 1431744539 ]\n`)
  })
})

describe('a process', () => {
  it('ends once its nodes and clients have been closed, and what they sent has arrived', async () => {
    const [first, second] = [await port(), await port()]
    const program = `
      const chord = require('chordite/compat/chord')
      const say = (name) => (from, id, message, reply) => { console.log(name, message); if (name === 'node') reply('back') }
      const a = chord.Chord(${first}, 2, say('node'))
      const b = chord.Chord(${second}, 1, { address: '127.0.0.1', port: ${first} }, say('node'))
      const client = chord.Client(say('client'))
      client({ port: ${second} }, chord.hash('x'), 'there')
      client.close(); a.close(); b.close()`
    expect(await run('commonjs', program)).toEqual({ code: 0, out: 'node there\nclient back\n', err: '' })
  })

  it('ends at once if nothing was sent, even if it has not joined', async () => {
    const nobody = await port()
    const program = `
      import { Chord, Client } from 'chordite/compat/chord'
      Chord(0, 1, { port: ${nobody} }).close()
      Client().close()`
    const beforeMs = performance.now()
    expect((await run('module', program)).code).toBe(0)
    expect(performance.now() - beforeMs).toBeLessThan(9_000)
  })

  it('goes on while it has a node', async () => {
    const program = `
      const chord = require('chordite/compat/chord')
      const a = chord.Chord(0, 1)
      setTimeout(() => { console.log('still there'); a.close() }, 300).unref()`
    expect(await run('commonjs', program)).toEqual({ code: 0, out: 'still there\n', err: '' })
  })

  it('is ended by a port that is taken, as by any uncaught exception', async () => {
    const taken = await port()
    const program = `
      const chord = require('chordite/compat/chord')
      chord.Chord(${taken}, 1); setTimeout(() => chord.Chord(${taken}, 1), 300)`
    const { code, err } = await run('commonjs', program)
    expect(code).not.toBe(0)
    expect(err).toContain('ERR_ADDRESS_IN_USE')
  })
})
