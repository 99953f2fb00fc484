/** `chordite node`: one member of a ring, or one for each of several threads, until a signal tells it to leave. */
import { type Command, Option } from 'commander'
import { WORKERS_MAX } from '../cluster/options.ts'
import { type ChordNode, createNode, type NodeOptions } from '../index.ts'
import { collect, defined, integer, transportOption } from './flags.ts'
import { KEY_MESSAGE } from './key-message.ts'
import { describedEvent, describedMembers, EVENTS, printReady } from './node-lines.ts'
import { runWorkers } from './node-workers.ts'
import { note, print, printJson } from './output.ts'
import { onStopSignals } from './signals.ts'

interface NodeFlags extends NodeOptions {
  startTimeout: number
  json?: boolean
  status?: number
  workers?: number
}

export function addNode(program: Command): void {
  program
    .command('node')
    .description('run a member of a ring, or several; SIGTERM or Ctrl-C leaves, a second one closes at once')
    .addOption(
      new Option('--workers <n>', 'threads, each a member with the next port: --listen’s is the first').argParser(
        integer(1, WORKERS_MAX),
      ),
    )
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
  const { startTimeout: _, json = false, status: __, workers, ...options } = flags
  const stop = new Stop()
  try {
    if (workers === undefined) await runNode(defined(options), flags, stop)
    else await runWorkers({ ...defined(options), workers }, flags, stop)
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

async function runNode(options: NodeOptions, { startTimeout, json = false, status }: NodeFlags, stop: Stop) {
  const node = createNode(options)
  node.handle(KEY_MESSAGE, (message) => String(message.member.id))
  if (json) printEvents(node)
  else printWarnings(node)
  stop.target = node
  await node.start({ timeoutMs: startTimeout })
  printReady(node, node.members, json)
  const timer = json && status !== undefined ? setInterval(printStatus, status, node) : undefined
  const failure = await node.closed
  clearInterval(timer)
  if (failure) throw failure
}

/** The first signal leaves, or gives up joining; the second closes. */
class Stop {
  target: Pick<ChordNode, 'state' | 'leave' | 'close'> | undefined
  asked = false
  forced = false
  readonly dispose: () => void

  constructor() {
    this.dispose = onStopSignals((times) => {
      this.asked = true
      this.forced = times > 1
      const joined = this.target?.state === 'member' || this.target?.state === 'isolated'
      void (joined && times === 1 ? this.target?.leave() : this.target?.close())
    })
  }
}

function printStatus(node: ChordNode): void {
  printJson({ event: 'status', state: node.state, members: describedMembers(node.members), metrics: node.metrics() })
}

function printEvents(node: ChordNode): void {
  for (const event of EVENTS) node.on(event, (value) => printJson(describedEvent(event, value)))
}

function printWarnings(node: ChordNode): void {
  node.on('state', ({ previous, current }) => {
    if (previous === 'isolated' || current === 'isolated') print(`state ${current}`)
  })
  node.on('warning', (warning) => note(`warning: ${warning.message} (${warning.code})`))
}
