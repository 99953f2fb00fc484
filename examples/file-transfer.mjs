// Sends a file to whoever owns its name, of any size, and gets it back: `node file-transfer.mjs [file]`.
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { finished, pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { connect, createNode } from 'chordite'

const path = process.argv[2] ?? fileURLToPath(import.meta.url)
const name = basename(path)
const root = await mkdtemp(join(tmpdir(), 'files-'))

// Three members, each with a folder. Usually each is a process of its own, on a machine of its own.
const nodes = []
for (let i = 0; i < 3; i++) {
  const node = createNode({ join: nodes.slice(0, 1).map(({ address }) => address) })
  const folder = await mkdtemp(join(root, `node-${i}-`))
  const fileOf = (key) => join(folder, String(key))
  node.handleStream('put', async (stream, { key }) => {
    // When all has been read, and the promise is fulfilled, our direction ends: the sender knows then that it is done.
    await pipeline(stream, createWriteStream(fileOf(key)))
  })
  node.handleStream('get', (stream, { key }) => pipeline(createReadStream(fileOf(key)), stream))
  nodes.push(await node.start())
}

const client = await connect({ to: [nodes[0].address] })

const out = await client.openStream(name, 'put')
await pipeline(createReadStream(path), out)
await finished(out.resume())
const owner = nodes.findIndex(({ address }) => address === out.peer.address)
console.log(`${name} went to node ${owner}`)

const back = await client.openStream(name, 'get')
back.end()
await pipeline(back, createWriteStream(join(root, name)))
console.log(`${(await stat(join(root, name))).size} of ${(await stat(path)).size} bytes came back`)

await client.close()
for (const node of nodes) await node.leave()
await rm(root, { recursive: true })
