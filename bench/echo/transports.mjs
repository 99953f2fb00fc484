/** Makes one of the transports, as the runtime does. */

export async function transportOf(kind, handler) {
  const options = { handler, outputBytes: 1 << 20, connections: 16_384 }
  if (kind === 'native') {
    const { createNativeTransport } = await import('../../dist/transports/native.js')
    return createNativeTransport(options)
  }
  const { createTcpTransport } = await import('../../dist/transports/tcp.js')
  return createTcpTransport(options)
}
