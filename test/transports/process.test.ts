/** What only shows in a process of its own: whether an endpoint keeps it alive. Runs the built package. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'

const kinds = loadNative().ok ? ['Tcp', 'Native'] : ['Tcp']

function script(kind: string, body: string): string {
  const url = new URL(`../../dist/transports/${kind.toLowerCase()}.js`, import.meta.url)
  return `
    import { create${kind}Transport as create } from ${JSON.stringify(url)}
    const handler = { opened() {}, frame() {}, closed() {}, drained() {}, batchEnd() {} }
    const transport = create({ handler, outputBytes: 1000, connections: 10 })
    const { port } = await transport.listen('127.0.0.1', 0)
    transport.dial('127.0.0.1', port)
    ${body}`
}

async function run(source: string): Promise<string> {
  const args = ['--input-type=module', '-e', source]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000 })
  return stdout
}

describe.each(kinds)('a %s endpoint', (kind) => {
  test('that is unreferenced lets the process end, its connections too', async () => {
    await run(script(kind, 'transport.unref(); setTimeout(() => {}, 50)'))
  })

  test('keeps the process alive again after ref, until it is destroyed', async () => {
    const body = `transport.unref(); transport.ref()
      setTimeout(() => { console.log('alive'); void transport.destroy() }, 100).unref()`
    expect(await run(script(kind, body))).toBe('alive\n')
  })
})
