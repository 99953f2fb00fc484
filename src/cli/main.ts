#!/usr/bin/env node
/** The `chordite` command: one file a command, errors as one line on standard error and exit code 1. */
import { Command, CommanderError } from 'commander'
import { ChordError } from '../index.ts'
import { addBuild } from './build.ts'
import { addCheck } from './check.ts'
import { addDoctor } from './doctor.ts'
import { addLookup } from './lookup.ts'
import { addNode } from './node.ts'
import { fail } from './output.ts'
import { addReplay } from './replay.ts'
import { addRing } from './ring.ts'
import { addRoute } from './route.ts'
import { addSim } from './sim.ts'
import { addUp } from './up.ts'
import { packageVersion } from './version.ts'

async function main(): Promise<void> {
  try {
    await program().parseAsync(process.argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

function program(): Command {
  const root = new Command('chordite')
    .description('Run and use self-organizing Chord rings.')
    .version(packageVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text) => fail(text.replace(/^error: /, '')) })
    .hook('preAction', (_root, command) => tolerateClosedPipes(command.name() === 'node'))
  for (const add of [addUp, addNode, addLookup, addRing, addRoute, addReplay, addSim, addCheck, addDoctor, addBuild])
    add(root)
  return root
}

/** `chordite ring | head` ends when nobody reads any more; a node goes on, whoever has stopped reading its log. */
function tolerateClosedPipes(goOn: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (!goOn) process.exit(0)
    })
  }
}

/** The exit code for an error; says what it was, unless commander has done so. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1
  if (error instanceof ChordError) fail(`${error.message} (${error.code})`)
  else if (error instanceof Error) fail(process.env.CHORDITE_DEBUG ? (error.stack ?? error.message) : error.message)
  else fail(String(error))
  return 1
}

void main()
