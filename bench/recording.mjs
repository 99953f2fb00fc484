/**
 * What recording costs: `node bench/recording.mjs`, from a built `dist/`. One node of a ring of 32 is told what it was told in a
 * simulated hour, again and again: as it is, and recorded to a disk that takes everything. CPU time, user and system.
 */

import { ChordNode } from '../dist/core/chord-node.js'
import { Id } from '../dist/core/id.js'
import { digest, snapshot } from '../dist/core/snapshot.js'
import { SystemClock, SystemRandom } from '../dist/runtime/clock.js'
import { RecordedNode } from '../dist/runtime/recorded-node.js'
import { Recorder } from '../dist/runtime/recorder.js'
import { give } from '../dist/sim/input.js'
import { Simulation } from '../dist/sim/simulation.js'

const ROUNDS = 15
const { inputs, self, config } = recorded(3_600_000)
let bytes = 0
const disk = {
  create: async () => ({
    write: async (written) => {
      bytes += written.length
    },
    writeNow: () => {},
    close: async () => {},
  }),
  head: async () => undefined,
  rename: async () => false,
  remove: async () => false,
}

const plain = () => new ChordNode({ self, config, random: new SystemRandom() })
for (let i = 0; i < 3; i++) for (const make of [plain, recording]) tell(make())
const us = { plain: [], recording: [] }
bytes = 0
for (let i = 0; i < ROUNDS; i++) {
  for (const make of [plain, recording]) {
    const node = make()
    us[make.name].push(cpuUs(() => tell(node)) / inputs.length)
    // What was recorded is written meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
const node = plain()
tell(node)
console.log(`${inputs.length} inputs: ${median(us.plain)} µs each, recorded ${median(us.recording)} µs`)
console.log(
  `${(bytes / ROUNDS / inputs.length).toFixed(0)} bytes an input, the state at the start of the file included`,
)
console.log(`digest ${each(() => digest(node))} µs, snapshot ${each(() => snapshot(node))} µs`)
process.exit()

function recorded(forMs) {
  const address = '10.0.0.1:4000'
  const seen = { inputs: [], self: undefined, config: undefined }
  const ring = new Simulation({ seed: 1 })
  ring.observe({
    input: (member, input, nowMs) => {
      if (member.node.self.address !== address) return
      seen.self = member.node.self
      seen.config = member.node.core.config
      seen.inputs.push([input, nowMs])
    },
  })
  ring.start({ address, ids: [Id.hash('0')] })
  for (let i = 1; i < 32; i++) {
    ring.start({ address: `10.0.0.${i + 1}:4000`, ids: [Id.hash(String(i))], via: address })
    ring.run(300)
  }
  ring.run(forMs)
  return seen
}

function recording() {
  const settings = { path: 'none', bytesMax: 2 ** 30, files: 2 }
  const world = { clock: new SystemClock(), random: new SystemRandom(), disk }
  const warn = (error) => console.error(error)
  const [node] = new Recorder({ settings, network: 'bench', warn, ...world }).boot([self], config)
  if (!(node instanceof RecordedNode)) throw new Error('nothing is recorded')
  return node
}

function tell(node) {
  for (const [input, nowMs] of inputs) {
    give(node, input, nowMs)
    while (node.poll() !== undefined);
  }
}

function cpuUs(run) {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function each(run) {
  for (let i = 0; i < 500; i++) run()
  const us = cpuUs(() => {
    for (let i = 0; i < 500; i++) run()
  })
  return (us / 500).toFixed(0)
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1].toFixed(1)
}
