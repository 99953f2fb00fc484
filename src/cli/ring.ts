/** `chordite ring`: walks a ring and prints it. */
import type { Command } from 'commander'
import { addClientFlags, type ClientFlags, withClient } from './flags.ts'
import { fail, percent, print, printJson, table } from './output.ts'
import { share } from './plain.ts'
import { type Walk, walk } from './walk.ts'

/** The ring answered, but it is not (yet) whole. */
const EXIT_BROKEN = 2

export function addRing(program: Command): void {
  const command = program
    .command('ring')
    .description('walk a ring along its successors and print it; exit code 2 if it is not whole')
  addClientFlags(command).action(ring)
}

async function ring(flags: ClientFlags): Promise<void> {
  await withClient(flags, async (caller) => {
    const result = await walk(caller, flags.to, flags.timeout)
    if (flags.json) printJson({ whole: result.breaks.length === 0, ...withShares(result) })
    else printRing(result)
    if (result.breaks.length > 0) process.exitCode = EXIT_BROKEN
  })
}

function withShares({ members, breaks }: Walk) {
  return { members: members.map((member) => ({ ...member, share: share(member.range) })), breaks }
}

function printRing({ members, breaks }: Walk): void {
  const rows = members.map((member) => [
    member.id,
    member.address,
    percent(share(member.range)),
    member.predecessor?.address ?? '-',
    String(member.successors.length),
  ])
  for (const line of table([['id', 'address', 'share', 'predecessor', 'successors'], ...rows])) print(line)
  const processes = new Set(members.map((member) => member.address)).size
  print(`${plural(members.length, 'member')} in ${plural(processes, 'process', 'processes')}`)
  for (const sentence of breaks) fail(sentence)
}

function plural(many: number, one: string, more = `${one}s`): string {
  return `${many} ${many === 1 ? one : more}`
}
