/** `@grpc/grpc-js`: unary calls of bytes as they are, a channel with a connection of its own for each client, no retries. */
import grpc from '@grpc/grpc-js'

const same = (bytes) => bytes
const METHOD = {
  path: '/bench.Echo/Echo',
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
}
const CHANNEL = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
}
const SERVER = { 'grpc.max_concurrent_streams': 4096 }

export async function serve() {
  const server = new grpc.Server(SERVER)
  server.addService({ Echo: METHOD }, { Echo: (call, callback) => callback(null, call.request) })
  const port = await new Promise((resolve, reject) => {
    const bound = (error, number) => (error ? reject(error) : resolve(number))
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), bound)
  })
  return { port }
}

export function open({ port }, count) {
  const opening = Array.from({ length: count }, async () => {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), CHANNEL)
    await new Promise((resolve, reject) => {
      client.waitForReady(Date.now() + 20_000, (error) => (error ? reject(error) : resolve()))
    })
    return (body, done) => {
      client.makeUnaryRequest(METHOD.path, same, same, body, (error, reply) => done(error ?? reply))
    }
  })
  return Promise.all(opening)
}
