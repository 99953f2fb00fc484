/** The least that the transports accept as the first frame of a connection: our magic. Who we are is for layers above. */
import {
  AT_LENGTH,
  AT_TYPE,
  AT_VERSION,
  HEADER_BYTES,
  HELLO_MAGIC,
  PROTOCOL_VERSION,
  TYPE_HELLO,
} from '../../dist/wire/layout.js'

export function helloHex() {
  const frame = new DataView(new ArrayBuffer(HEADER_BYTES + 8))
  frame.setUint32(AT_LENGTH, frame.byteLength, true)
  frame.setUint16(AT_TYPE, TYPE_HELLO, true)
  frame.setUint8(AT_VERSION, PROTOCOL_VERSION)
  frame.setUint32(HEADER_BYTES, HELLO_MAGIC, true)
  return Buffer.from(frame.buffer).toString('hex')
}
