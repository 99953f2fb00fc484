/** `chordite node`: one member of a ring, until a signal tells it to leave. */
import { type Command, Option } from 'commander'
import { type ChordNode, createNode, type NodeOptions } from '../index.ts'
import { collect, defined, integer, transportOption } from './flags.ts'
import { KEY_MESSAGE } from './key-message.ts'
import { note, print, printJson } from './output.ts'
import { type PlainMember, plainMember, plainPeer, plainRange, share } from './plain.ts'
import { onStopSignals } from './signals.ts'

interface NodeFlags extends NodeOptions {
  startTimeout: number
  json?: boolean
  status?: number
}

export function addNode(program: Command): void {
  program
    .command('node')
    .description('run one member of a ring; SIGTERM or Ctrl-C leaves, a second one closes at once')
    .option('--listen <address>', 'host:port to bind; port 0 picks a free one (default: 127.0.0.1:0)')
    .option('--advertise <address>', 'host:port that others reach this node at, when it differs')
    .addOption(
      new Option(
        '--join <address>',
        'a member to join through, host:port or dns://name:port; may be repeated',
      ).argParser(collect),
    )
    .option('--network <name>', 'nodes of different networks refuse each other (default: chordite)')
    .addOption(new Option('--virtual-nodes <n>', 'points on the ring (default: 1)').argParser(integer(1, 256)))
    .addOption(
      new Option('--successors <n>', 'processes in each successor list (default: 8)').argParser(integer(1, 64)),
    )
    .addOption(transportOption())
    .option('--state-file <path>', 'keeps incarnation and remembered peers between runs')
    .option('--record <path>', 'write down what the ring’s upkeep is told, for chordite replay')
    .addOption(
      new Option('--on-isolated <what>', 'when nobody known answers (default: wait)').choices(['wait', 'serve']),
    )
    .addOption(
      new Option('--start-timeout <ms>', 'give up joining after this long')
        .argParser(integer(1, 600_000))
        .default(10_000),
    )
    .option('--json', 'print events as JSON, one a line')
    .addOption(
      new Option('--status <ms>', 'with --json: also print state and metrics this often').argParser(
        integer(50, 600_000),
      ),
    )
    .action(run)
}

async function run(flags: NodeFlags): Promise<void> {
  const { startTimeout, json = false, status, ...options } = flags
  const node = createNode(defined(options))
  node.handle(KEY_MESSAGE, (message) => String(message.member.id))
  if (json) printEvents(node)
  else printWarnings(node)
  const stop = new Stop(node)
  try {
    await node.start({ timeoutMs: startTimeout })
    printReady(node, json)
    const timer = json && status !== undefined ? setInterval(printStatus, status, node) : undefined
    const failure = await node.closed
    clearInterval(timer)
    if (failure) throw failure
  } catch (error) {
    // A node that was told to leave while it joined is no failure.
    if (!stop.asked) throw error
  } finally {
    stop.dispose()
  }
  if (json) printJson({ event: 'closed', graceful: !stop.forced })
  else print(stop.forced ? 'closed' : 'left')
  if (stop.forced) process.exitCode = 1
}

/** The first signal leaves, or gives up joining; the second closes. */
class Stop {
  asked = false
  forced = false
  readonly dispose: () => void

  constructor(node: ChordNode) {
    this.dispose = onStopSignals((times) => {
      this.asked = true
      this.forced = times > 1
      const joined = node.state === 'member' || node.state === 'isolated'
      void (joined && times === 1 ? node.leave() : node.close())
    })
  }
}

function printReady(node: ChordNode, json: boolean): void {
  const members = described(node)
  if (json) {
    printJson({ event: 'ready', address: node.address, transport: node.transport, pid: process.pid, members })
    return
  }
  const points = members.length === 1 ? `id ${members[0]!.id}` : `${members.length} virtual nodes`
  print(`ready ${node.address} (${node.transport} transport, ${points})`)
}

function printStatus(node: ChordNode): void {
  printJson({ event: 'status', state: node.state, members: described(node), metrics: node.metrics() })
}

function described(node: ChordNode): (PlainMember & { share: number })[] {
  return node.members.map((member) => {
    const plain = plainMember(member)
    return { ...plain, share: share(plain.range) }
  })
}

function printWarnings(node: ChordNode): void {
  node.on('state', ({ previous, current }) => {
    if (previous === 'isolated' || current === 'isolated') print(`state ${current}`)
  })
  node.on('warning', (warning) => note(`warning: ${warning.message} (${warning.code})`))
}

function printEvents(node: ChordNode): void {
  node.on('state', (change) => printJson({ event: 'state', ...change }))
  node.on('warning', ({ code, message }) => printJson({ event: 'warning', code, message }))
  node.on('range', (change) => {
    printJson({
      event: 'range',
      id: change.member.id,
      epoch: change.epoch,
      cause: change.cause,
      ...(change.range ? { range: plainRange(change.range) } : {}),
      gained: change.gained.map(plainRange),
      lost: change.lost.map(plainRange),
      ...(change.from ? { from: plainPeer(change.from) } : {}),
      ...(change.to ? { to: plainPeer(change.to) } : {}),
    })
  })
  for (const event of ['predecessor', 'successor'] as const) {
    node.on(event, ({ member, previous, current }) => {
      printJson({
        event,
        id: member.id,
        ...(previous ? { previous: plainPeer(previous) } : {}),
        ...(current ? { current: plainPeer(current) } : {}),
      })
    })
  }
  node.on('peer:up', (peer) => printJson({ event: 'peer:up', peer: plainPeer(peer) }))
  node.on('peer:down', ({ peer, reason }) => printJson({ event: 'peer:down', peer: plainPeer(peer), reason }))
  for (const event of ['ring:split', 'ring:merged'] as const) {
    node.on(event, ({ member, peer }) => printJson({ event, id: member.id, peer: plainPeer(peer) }))
  }
}
