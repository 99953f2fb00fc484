/** Endpoint addresses as text: `host:port`, `[v6]:port`, and for contacts `dns://name:port`. */
import { ADDRESS_BYTES_MAX } from '../wire/layout.ts'

export interface Address {
  /** A name or a numeric address, without brackets. */
  host: string
  port: number
  /** Written as `dns://`: every address of the name is a contact, and the name is resolved anew on each attempt. */
  dns: boolean
}

export type ParsedAddress = { ok: true; value: Address } | { ok: false; code: 'ERR_BAD_ADDRESS'; message: string }

const NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/
const V6 = /^[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?$/
const PORT = /^\d{1,5}$/

/** Reads an address. Port 0 is accepted: only who listens may use it. */
export function parseAddress(text: string): ParsedAddress {
  const dns = text.startsWith('dns://')
  const rest = dns ? text.slice('dns://'.length) : text
  const colon = rest.lastIndexOf(':')
  if (colon <= 0) return bad(text, 'it has no port')
  const port = rest.slice(colon + 1)
  if (!PORT.test(port) || Number(port) > 65_535) return bad(text, `'${port}' is no port (0 to 65535)`)
  const host = hostOf(rest.slice(0, colon))
  if (host === undefined) return bad(text, 'the host is neither a name nor a numeric address')
  if (dns && host.includes(':')) return bad(text, 'dns:// wants a name')
  if (rest.length > ADDRESS_BYTES_MAX) return bad(text, `it is longer than ${ADDRESS_BYTES_MAX} bytes`)
  return { ok: true, value: { host, port: Number(port), dns } }
}

/** The inverse of {@link parseAddress} for endpoints: brackets around IPv6. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A listen host that means "every address of this machine", which nobody else can dial. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '0:0:0:0:0:0:0:0'
}

function hostOf(text: string): string | undefined {
  if (text.startsWith('[')) {
    const inner = text.slice(1, -1)
    return text.endsWith(']') && inner.includes(':') && V6.test(inner) ? inner : undefined
  }
  return text.length <= 253 && NAME.test(text) ? text : undefined
}

function bad(text: string, why: string): ParsedAddress {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return { ok: false, code: 'ERR_BAD_ADDRESS', message: `bad address '${shown}': ${why}; use host:port or [v6]:port` }
}
