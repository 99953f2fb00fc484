/** uWebSockets.js: binary messages, sent back one by one as its users do; it corks within one wake-up by itself. */
import uws from 'uWebSockets.js'

uws
  .App()
  .ws('/*', {
    compression: uws.DISABLED,
    idleTimeout: 0,
    // Its default drops what 128 requests of 1 KiB may queue.
    maxBackpressure: 1 << 20,
    message: (socket, message, isBinary) => socket.send(message, isBinary),
  })
  .listen('127.0.0.1', 0, (listener) => {
    console.log(JSON.stringify({ port: uws.us_socket_local_port(listener) }))
  })
