/** Flags that several commands share, and how their values are read. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Caller, type ClientOptions, connect } from '../index.ts'

export interface ClientFlags {
  to: string[]
  network?: string
  transport?: 'native' | 'tcp'
  timeout: number
  json?: boolean
}

/** `--to`, `--network`, `--transport`, `--timeout` and `--json`: what every command needs that talks to a ring. */
export function addClientFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--to <address>', 'a member of the ring, host:port; may be repeated')
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .option('--network <name>', 'name of the ring’s network (default: chordite)')
    .addOption(transportOption())
    .addOption(
      new Option('--timeout <ms>', 'how long one question may take').argParser(integer(1, 600_000)).default(5000),
    )
    .option('--json', 'print JSON, one value a line')
}

export function transportOption(): Option {
  return new Option('--transport <kind>', 'default: native where it loads, else tcp').choices(['native', 'tcp'])
}

/** Connects with the client role for as long as `use` runs. */
export async function withClient(flags: ClientFlags, use: (caller: Caller) => Promise<void>): Promise<void> {
  const options: ClientOptions = { to: flags.to, ...defined({ network: flags.network, transport: flags.transport }) }
  const caller = await connect(options)
  try {
    await use(caller)
  } finally {
    await caller.close()
  }
}

/** For options that may be given more than once. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value]
}

/** A whole number within bounds, both included. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
    return value
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the entries that are undefined: an option that was not given must not be passed on. */
export function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
}
