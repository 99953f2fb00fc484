/** What a cluster is made with. */
import { expect, test } from 'vitest'
import { clusterSettings } from '../../src/cluster/options.ts'
import type { ClusterOptions } from '../../src/index.ts'

const nodes = (o: ClusterOptions) => clusterSettings(o).nodes

test('each worker has a port, and files, of its own', () => {
  const o = { workers: 3, listen: '0.0.0.0:4000', advertise: 'host.example:5000', stateFile: 'a.b/ring.state' }
  expect(nodes({ ...o, record: { path: 'ring', files: 2 }, virtualNodes: 7 })).toEqual(
    [0, 1, 2].map((worker) => ({
      listen: `0.0.0.0:${4000 + worker}`,
      advertise: `host.example:${5000 + worker}`,
      stateFile: `a.b/ring-${worker}.state`,
      record: { path: `ring-${worker}`, files: 2 },
      virtualNodes: 7,
      join: [],
    })),
  )
})

test('port 0 is any for all; addresses may be given one by one', () => {
  expect(nodes({ workers: 2, listen: '[::1]:0' }).map(({ listen }) => listen)).toEqual(['[::1]:0', '[::1]:0'])
  const listen = ['127.0.0.1:7', '127.0.0.2:7']
  expect(nodes({ workers: 2, listen }).map((node) => node.listen)).toEqual(listen)
})

test('contacts are others', () => {
  const o = { workers: 2, listen: '10.0.0.1:4000', join: ['10.0.0.1:4001', '10.0.0.2:4000', 'dns://ring:4000'] }
  for (const { join } of nodes(o)) expect(join).toEqual(['10.0.0.2:4000', 'dns://ring:4000'])
})

test('by default there is a worker for each core', () => {
  expect(nodes({}).length).toBeGreaterThan(0)
})

test.each([
  [{ worker: 2 }, /unknown cluster option 'worker'/],
  [{ workers: 0 }, /workers must be a whole number from 1 to 256/],
  [{ workers: 1.5 }, /workers must be/],
  [{ workers: '2' }, /workers must be/],
  [{ module: './app.js' }, /module must be a URL or an absolute path/],
  [{ module: 5 }, /module must be/],
  [{ restart: 1 }, /restart must be true or false/],
  [{ data: () => {} }, /data cannot be copied/],
  [{ resourceLimits: { memory: 1 } }, /unknown resourceLimits option 'memory'/],
  [{ resourceLimits: { stackSizeMb: -1 } }, /resourceLimits.stackSizeMb must be a number above 0/],
  [{ env: 'A=1' }, /env must be an object/],
  [{ virtualNodes: 0 }, /virtualNodes must be/],
  [{ timing: { idle: 1 } }, /unknown timing option 'idle'/],
  [{ logger: {} }, /logger needs the functions/],
  [{ stateFile: 1 }, /stateFile needs a path/],
  [{ record: { files: 2 } }, /record needs a path/],
  [{ workers: 2, listen: '127.0.0.1:65535' }, /listen.*more than there are/],
  [{ workers: 2, listen: ['127.0.0.1:1'] }, /listen has 1 addresses for 2 workers/],
  [{ listen: 4000 }, /listen must be an address/],
  ['workers', /cluster options must be an object/],
])('refuses %j', (options, message) => {
  const making = () => clusterSettings(options as ClusterOptions)
  expect(making).toThrow(message)
  expect(making).toThrow(expect.objectContaining({ code: 'ERR_BAD_OPTION' }))
})

test.each([
  [{ listen: 'here' }, /listen: bad address/],
  [{ listen: 'dns://here:1' }, /listen cannot be dns/],
  [{ advertise: '0.0.0.0:1' }, /advertise: nobody can reach/],
  [{ join: ['there'] }, /join: bad address/],
  [{ join: ['there:0'] }, /join: port 0 is nobody/],
])('refuses %j', (options, message) => {
  const making = () => clusterSettings(options)
  expect(making).toThrow(message)
  expect(making).toThrow(expect.objectContaining({ code: 'ERR_BAD_ADDRESS' }))
})
