import { createTcpTransport } from '../../src/transports/tcp.ts'
import { conformance } from './conformance.ts'
import { counting } from './counting.ts'
import { RealHarness } from './harness.ts'
import { hostility } from './hostility.ts'

conformance('tcp', () => new RealHarness(createTcpTransport, createTcpTransport))
counting('tcp', () => new RealHarness(createTcpTransport, createTcpTransport))
hostility('tcp', createTcpTransport)
