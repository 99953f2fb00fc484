/** `chordite up`: a ring of processes on this machine, to look at and to try things on. */
import { type Command, Option } from 'commander'
import { ChildNode, type NodeLine } from './child-node.ts'
import { integer, transportOption } from './flags.ts'
import { LiveTable } from './live-table.ts'
import { fail, print, printJson } from './output.ts'
import { onStopSignals } from './signals.ts'

interface UpFlags {
  nodes: number
  host: string
  port: number
  network?: string
  virtualNodes?: number
  successors?: number
  transport?: 'native' | 'tcp'
  json?: boolean
}

const STATUS_MS = 500
/** A node that has not left by then is killed; `leave` itself gives up sooner. */
const LEAVE_MS = 15_000

export function addUp(program: Command): void {
  program
    .command('up')
    .description('run a local ring, one process a node; Ctrl-C leaves, a second one closes at once')
    .addOption(new Option('--nodes <n>', 'how many').argParser(integer(1, 256)).default(8))
    .option('--host <address>', 'address to bind', '127.0.0.1')
    .addOption(
      new Option('--port <n>', 'port of the first node, the others count on; 0 picks free ones')
        .argParser(integer(0, 65_535))
        .default(0),
    )
    .option('--network <name>', 'name of the ring’s network (default: chordite)')
    .addOption(
      new Option('--virtual-nodes <n>', 'points on the ring for each process (default: 1)').argParser(integer(1, 256)),
    )
    .addOption(
      new Option('--successors <n>', 'processes in each successor list (default: 8)').argParser(integer(1, 64)),
    )
    .addOption(transportOption())
    .option('--json', 'print the events of all nodes as JSON, one a line')
    .action(up)
}

async function up(flags: UpFlags): Promise<void> {
  const view = createView(flags)
  const children: ChildNode[] = []
  let asked = 0
  const leaveAll = () => {
    for (const child of children) child.kill('SIGTERM')
  }
  const dispose = onStopSignals((times) => {
    asked = times
    view.say(times === 1 ? 'leaving' : 'closing')
    leaveAll()
  })
  let failure: unknown
  try {
    await startAll(flags, children, view, () => asked > 0)
  } catch (error) {
    // Nodes that were told to leave while they joined are no failure.
    if (asked === 0) failure = error
    leaveAll()
  }
  await allEnded(children, () => asked > 0 || failure !== undefined)
  view.stop()
  dispose()
  if (asked === 0) throw failure ?? new Error('all nodes have ended')
  if (asked > 1) process.exitCode = 1
}

/** The first node creates the ring; the others join it together. */
async function startAll(flags: UpFlags, children: ChildNode[], view: View, stopped: () => boolean): Promise<void> {
  const spawnOne = (join: readonly string[]) => {
    const child = new ChildNode(children.length, nodeFlags(flags, children.length, join), view.line)
    children.push(child)
    void child.ended.then((how) => view.ended(child, how))
    return child
  }
  const first = spawnOne([])
  view.start(children)
  await first.ready
  while (children.length < flags.nodes && !stopped()) spawnOne([first.address])
  await Promise.all(children.map((child) => child.ready))
  view.up(children)
}

/** Waits for the children; once they have been told to leave, not for ever. */
async function allEnded(children: readonly ChildNode[], leaving: () => boolean): Promise<void> {
  let waitedMs = 0
  const timer = setInterval(() => {
    waitedMs = leaving() ? waitedMs + STATUS_MS : 0
    if (waitedMs < LEAVE_MS) return
    for (const child of children) child.kill('SIGKILL')
  }, STATUS_MS)
  await Promise.all(children.map((child) => child.ended))
  clearInterval(timer)
}

function nodeFlags(flags: UpFlags, index: number, join: readonly string[]): string[] {
  const host = flags.host.includes(':') && !flags.host.startsWith('[') ? `[${flags.host}]` : flags.host
  const listen = `${host}:${flags.port === 0 ? 0 : flags.port + index}`
  const passed = {
    network: flags.network,
    'virtual-nodes': flags.virtualNodes,
    successors: flags.successors,
    transport: flags.transport,
  }
  return [
    ...['--listen', listen, '--status', String(STATUS_MS)],
    ...join.flatMap((address) => ['--join', address]),
    ...Object.entries(passed).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])),
  ]
}

/** What `up` shows: a table that is painted anew, plain lines, or JSON. */
interface View {
  start(children: readonly ChildNode[]): void
  line(child: ChildNode, line: NodeLine): void
  ended(child: ChildNode, how: string | undefined): void
  up(children: readonly ChildNode[]): void
  say(text: string): void
  stop(): void
}

function createView(flags: UpFlags): View {
  if (flags.json) return jsonView()
  const live = process.stdout.isTTY ? new LiveTable(process.stdout) : undefined
  const say = (text: string) => (live ? live.above(text) : print(text))
  return {
    start: (children) => live?.start(children),
    line(child, line) {
      if (line.event === 'ready') say(`node ${child.index} ready ${child.address}`)
      else if (line.event === 'state' && line.current === 'isolated') say(`node ${child.index} is isolated`)
      else if (line.event === 'warning') say(`node ${child.index} warns: ${line.message} (${line.code})`)
      else if (line.event === 'stderr') say(`node ${child.index}: ${line.text}`)
    },
    ended: (child, how) => say(`node ${child.index} ${how === undefined ? 'left' : `ended: ${how}`}`),
    up: (children) => say(`ring of ${children.length} is up; try: chordite ring --to ${children[0]!.address}`),
    say,
    stop: () => live?.stop(),
  }
}

function jsonView(): View {
  return {
    start: () => {},
    line: (child, line) =>
      line.event === 'stderr' ? fail(`node ${child.index}: ${line.text}`) : printJson({ node: child.index, ...line }),
    ended: (child, how) =>
      printJson({ node: child.index, event: 'ended', ...(how === undefined ? {} : { error: how }) }),
    up: (children) => printJson({ event: 'up', addresses: children.map((child) => child.address) }),
    say: () => {},
    stop: () => {},
  }
}
