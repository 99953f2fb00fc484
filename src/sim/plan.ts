/**
 * What is done to a ring, as data: settings, and actions one after the other. `swarm.ts` draws plans from seeds,
 * `play.ts` plays them, `shrink.ts` makes them shorter, and `scenario-text.ts` writes them down for people.
 */

/** As a scenario's `with` line has them: what they mean and what they are when not given is in `settings.ts`. */
export type Settings = Readonly<Record<string, number | string>>

/** What a process that starts again still knows of its earlier life: a state file, one of long ago, or nothing. */
export type Memory = 'kept' | 'stale' | 'lost'
export type Phase = 'services' | 'telling'

/**
 * Processes are named, and a name is an address. An action that makes no sense any more because an earlier one was taken
 * away (who never started cannot crash) does nothing.
 */
export type Action =
  | { readonly verb: 'run'; readonly ms: number }
  /** Virtual nodes with these ids, in hexadecimal; through `via`, or a ring of its own. */
  | { readonly verb: 'start'; readonly process: string; readonly ids: readonly string[]; readonly via?: string }
  /** They are there at once, as rings of their own, or as loops: each follows who stands before it (`chains.ts`). */
  | { readonly verb: 'chains'; readonly chains: readonly (readonly InChain[])[] }
  | { readonly verb: 'restart'; readonly process: string; readonly memory: Memory; readonly via?: string }
  | { readonly verb: GroupVerb; readonly processes: readonly string[] }
  | { readonly verb: 'clock'; readonly process: string; readonly offsetMs: number; readonly ratePpm: number }
  /** The link from one to another has other conditions than the rest of the network. */
  | { readonly verb: 'link'; readonly from: string; readonly to: string; readonly conditions: Settings }
  /** All links that have no conditions of their own. */
  | { readonly verb: 'network'; readonly conditions: Settings }
  /** No side hears another; whoever is in none is on a side with the others that are in none. */
  | { readonly verb: 'cut'; readonly sides: readonly (readonly string[])[] }
  /** One-way: what these send does not reach those. */
  | { readonly verb: 'block'; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly verb: 'mend' }
  /** What goes from one to the other waits, and arrives in order when the link is free again. */
  | { readonly verb: 'clog' | 'unclog'; readonly from: string; readonly to: string }
  /** A connection breaks, and what is under way on it is lost. */
  | { readonly verb: 'reset'; readonly from: string; readonly to: string }
  | { readonly verb: 'stateFile'; readonly process: string; readonly works: boolean }
  /** It dies as soon as a hand-over of it has come so far. */
  | { readonly verb: 'stopAt'; readonly process: string; readonly phase: Phase }
  /** An application asks for the owner of a key. */
  | { readonly verb: 'lookup'; readonly key: string; readonly from: string }
  /** Who is found by a process that looks its seeds up. */
  | { readonly verb: 'seeds'; readonly processes: readonly string[] }

export interface InChain {
  readonly process: string
  /** In hexadecimal. */
  readonly id: string
}

/** `kill` breaks connections and later ones are refused; `vanish` is silence. */
export type GroupVerb = 'kill' | 'vanish' | 'leave' | 'pause' | 'resume'

export interface Plan {
  readonly seed: number
  readonly settings: Settings
  readonly actions: readonly Action[]
}
