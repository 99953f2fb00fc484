/** What `chordite check` asks of each of its checks, and what it gets back. No clock in here: whoever runs it times it. */

export interface Check {
  readonly name: string
  /** One line for `--help`. */
  readonly about: string
  /** It is there to show that something is lost. */
  readonly loses?: boolean
  run(options: CheckOptions, report: Report): Outcome
}

/** What is not given is as in the check's published count. */
export interface CheckOptions {
  /** Rules to switch off, or on that are off. */
  readonly without?: readonly string[]
  readonly with?: readonly string[]
  /** Stop, incomplete, after so many states. */
  readonly limit?: number
  readonly nodes?: number
  readonly successors?: number
  readonly principals?: number
  /** Ids of the ideal ring to start from. */
  readonly initial?: readonly number[]
  /** Also look whether every state heals once nobody joins or fails any more. */
  readonly heal?: boolean
  /** Look for these properties' losses only. */
  readonly properties?: readonly string[]
}

export type Report = (progress: { readonly states: number; readonly depth: number }) => void

export interface Outcome {
  readonly name: string
  readonly states: number
  readonly transitions: number
  readonly depth: number
  /** Whether every reachable state was seen. */
  readonly complete: boolean
  /** The states that there must be, where that is known. */
  readonly expected?: number
  /** At most one a property: a shortest path to its loss, from the initial state on. */
  readonly violations: readonly Counterexample[]
  readonly notes: readonly string[]
}

export interface Counterexample {
  readonly property: string
  readonly steps: readonly { readonly step: string; readonly state: string }[]
}
