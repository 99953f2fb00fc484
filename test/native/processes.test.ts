/** What can only be seen from outside: how a process with endpoints ends, and what it leaves behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { loadNative } from '../../src/native/load.ts'
import * as L from '../../src/wire/layout.ts'
import { frameBytes, helloBytes } from '../transports/frames.ts'
import { firstLine, programPath, runProgram } from './run-program.ts'

describe.skipIf(!loadNative().ok)('a process with native endpoints', () => {
  test('worker.terminate() under load: no crash', async () => {
    expect(await runProgram('worker-terminate')).toMatchObject({ code: 0, signal: null, output: 'done\n' })
  })

  test('a throwing handler: batch-mates are delivered, batches go on', async () => {
    const { code, output } = await runProgram('throwing-handler')
    const said = JSON.parse(output)
    expect(code).toBe(0)
    expect(said.seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(said.uncaught.filter((message: string) => message === 'three')).toHaveLength(1)
    expect(said.uncaught.filter((message: string) => message === 'end')).toHaveLength(said.batches)
  })

  test('a throwing handler that nobody catches: the process ends of it, after the batch', async () => {
    const { code, signal, output, errors } = await runProgram('throwing-handler', 'unhandled')
    expect({ code, signal }).toEqual({ code: 1, signal: null })
    expect(errors).toMatch(/Error: (three|end)/)
    expect(JSON.parse(output).batches).toBe(1)
  })

  test('a throwing handler that nobody catches: the replies to its batch-mates have left before', async () => {
    const child = spawn(process.execPath, [programPath('throwing-server')])
    const { port } = await firstLine<{ port: number }>(child)
    const ended = once(child, 'exit')
    const requests = Array.from({ length: 10 }, (_, i) =>
      frameBytes(L.TYPE_REQUEST, new Uint8Array(Uint32Array.of(i).buffer)),
    )
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    let bytes = 0
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(Buffer.concat([helloBytes, ...requests]))
    await closed
    expect(bytes).toBe(helloBytes.length + 9 * requests[0]!.length)
    expect(await ended).toEqual([1, null])
  })

  test('process.exit() inside a handler: that is the exit code', async () => {
    expect(await runProgram('exit-in-handler')).toMatchObject({ code: 7, signal: null })
  })

  test('process.exit() inside a handler of a worker: the worker ends', async () => {
    expect(await runProgram('exit-in-handler', 'worker')).toMatchObject({ code: 7, signal: null })
  })

  test('destroy() inside a handler, many endpoints: the process ends by itself', async () => {
    expect(await runProgram('destroy-in-handler')).toMatchObject({ code: 0, signal: null, output: 'done\n' })
  })

  test('unref(): nothing keeps the process', async () => {
    expect(await runProgram('unreferenced')).toMatchObject({ code: 0, signal: null, output: 'unreferenced\n' })
  })

  test('a ring cannot be given away', async () => {
    const { code, signal, output } = await runProgram('transferred-ring')
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    // Node.js 22 lets go of it all the same, with `transfer()`; then the endpoint has noticed before it used it.
    expect(output).toMatch(/kept|not detachable|a ring was transferred away/)
  })

  test.each(['receive', 'transmit'])('with the %s ring gone by force, the endpoint stops and says so', async (ring) => {
    const { code, signal, output } = await runProgram('transferred-ring', ring)
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(output).toMatch(/transferred away|ArrayBufferDetachKey/)
  })

  test('a child does not keep the port of its killed parent open', async () => {
    const parent = spawn(process.execPath, [programPath('port-and-child')])
    const { port, child } = await firstLine<{ port: number; child: number }>(parent)
    try {
      const peer = connect(port, '127.0.0.1')
      await once(peer, 'connect')
      peer.on('error', () => {}).resume()
      const ends = Promise.all([new Promise((resolve) => peer.once('close', resolve)), once(parent, 'exit')])
      parent.kill('SIGKILL')
      await ends
      process.kill(child, 0) // it lives
      const refused = connect(port, '127.0.0.1')
      const [error] = await once(refused, 'error')
      expect(error.code).toBe('ECONNREFUSED')
    } finally {
      process.kill(child)
    }
  })

  test('out of descriptors: accepting pauses, and goes on when some are free', async () => {
    const shell = spawn('sh', [
      '-c',
      'ulimit -n 60 && exec "$0" "$1"',
      process.execPath,
      programPath('few-descriptors'),
    ])
    const { port } = await firstLine<{ port: number }>(shell)
    const greeted = new Set<Socket>()
    const sockets = Array.from({ length: 80 }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {}).on('data', () => greeted.add(socket))
      socket.write(helloBytes)
      return socket
    })
    const spread = () => new Set([...greeted].map((socket) => sockets.indexOf(socket)))
    while (greeted.size < 20) await once(sockets.find((socket) => !greeted.has(socket))!, 'data')
    expect(spread().size).toBeLessThan(60)
    // The listener stays ready, and must not be asked all the time.
    const wakeups = async () => {
      shell.stdin.write('?')
      return Number(String((await once(shell.stdout, 'data'))[0]))
    }
    const before = await wakeups()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await wakeups()) - before).toBeLessThan(100)
    // All are greeted in the end, if those that were make room for the others.
    while (greeted.size < 80) {
      for (const socket of greeted) socket.destroy()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    shell.stdin.end()
    expect(await once(shell, 'exit')).toEqual([0, null])
  })
})
