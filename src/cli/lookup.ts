/** `chordite lookup`: who owns these keys? */
import { type Command, Option } from 'commander'
import { Id, type Key } from '../index.ts'
import { addClientFlags, type ClientFlags, withClient } from './flags.ts'
import { print, printJson, table } from './output.ts'
import { plainPeer, plainRange } from './plain.ts'

interface LookupFlags extends ClientFlags {
  id?: boolean
  route?: 'recursive' | 'iterative'
}

export function addLookup(program: Command): void {
  const command = program
    .command('lookup')
    .description('find the owners of keys')
    .argument('<key...>', 'keys; hashed with SHA-1 unless --id is given')
    .option('--id', 'the keys are ids: 40 hexadecimal digits, taken as they are')
    .addOption(
      new Option('--route <kind>', 'recursive: nodes pass the question on; iterative: this command asks each')
        .choices(['recursive', 'iterative'])
        .default('recursive'),
    )
  addClientFlags(command).action(lookup)
}

async function lookup(texts: string[], flags: LookupFlags): Promise<void> {
  const keys = texts.map((text) => (flags.id ? parseId(text) : text))
  await withClient(flags, async (caller) => {
    const wait = { timeoutMs: flags.timeout, route: flags.route ?? ('recursive' as const) }
    const owners = await Promise.all(keys.map((key) => caller.lookup(key, wait)))
    if (flags.json) {
      owners.forEach(({ owner, range, epoch, hops }, index) => {
        printJson({
          key: texts[index],
          id: idOf(keys[index]!),
          owner: plainPeer(owner),
          range: plainRange(range),
          epoch,
          hops,
        })
      })
      return
    }
    const rows = owners.map(({ owner, hops }, index) => [
      texts[index]!,
      String(idOf(keys[index]!)),
      owner.address,
      String(owner.id),
      String(hops),
    ])
    for (const line of table([['key', 'id of the key', 'owner', 'id of the owner', 'hops'], ...rows])) print(line)
  })
}

function idOf(key: Key): Id {
  return typeof key === 'string' || key instanceof Uint8Array ? Id.hash(key) : key
}

function parseId(text: string): Id {
  if (!/^[0-9a-f]{40}$/i.test(text)) throw new Error(`"${text}" is no id: expected 40 hexadecimal digits`)
  return Id.parse(text.toLowerCase())
}
