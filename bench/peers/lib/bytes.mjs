/** Four bytes as a number, the first one highest, as in hexadecimal digits. */
export function wordAt(bytes, at) {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0
}
