/** Both sides have to agree on this. */
import { raw } from '../../dist/index.js'

export const ENDPOINTS = 16
export const OUTSTANDING = 64

/** `raw` hands bytes on as they are. */
export const ECHO = { name: 'echo', request: raw, reply: raw }
