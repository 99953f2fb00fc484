/** The table of `up`, painted anew in place on a terminal. */
import type { WriteStream } from 'node:tty'
import type { ChildNode } from './child-node.ts'
import { count, percent, table } from './output.ts'

const REPAINT_MS = 500
const HEAD = ['#', 'address', 'state', 'id', 'share', 'pred', 'succ', 'handled', 'passed', 'links']

export class LiveTable {
  readonly #out: WriteStream
  #children: readonly ChildNode[] = []
  #timer: NodeJS.Timeout | undefined
  #painted = 0

  constructor(out: WriteStream) {
    this.#out = out
  }

  start(children: readonly ChildNode[]): void {
    this.#children = children
    this.#timer = setInterval(() => this.#paint([]), REPAINT_MS)
    this.#paint([])
  }

  /** Prints a line that stays, above the table. */
  above(text: string): void {
    this.#paint([text])
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#paint([])
  }

  #paint(above: readonly string[]): void {
    const back = this.#painted > 0 ? `\x1b[${this.#painted}A` : ''
    // Wider lines would wrap, and then the cursor would not come back to the first.
    const lines = rows(this.#children).map((line) => line.slice(0, (this.#out.columns || 80) - 1))
    const visible = lines.slice(0, Math.max(1, (this.#out.rows || 24) - 2))
    this.#out.write(`${back}\x1b[J${[...above, ...visible].join('\n')}\n`)
    this.#painted = visible.length
  }
}

function rows(children: readonly ChildNode[]): string[] {
  const indexOf = new Map(children.map((child) => [child.address, child.index]))
  const neighbor = (address: string | undefined) =>
    address === undefined ? '-' : `#${indexOf.get(address) ?? ` ${address}`}`
  const body = children.map((child) => {
    const first = child.members[0]
    const metrics = child.metrics
    const shares = child.members.reduce((sum, member) => sum + member.share, 0)
    return [
      String(child.index),
      child.address || '-',
      child.state,
      first?.id.slice(0, 8) ?? '-',
      percent(shares),
      neighbor(first?.predecessor?.address),
      neighbor(first?.successors[0]?.address),
      count((metrics?.handled.requests ?? 0) + (metrics?.handled.oneWay ?? 0)),
      count(metrics?.routed.forwarded ?? 0),
      count(metrics?.connections.total ?? 0),
    ]
  })
  return table([HEAD, ...body])
}
