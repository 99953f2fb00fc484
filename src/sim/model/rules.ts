/** The corrected protocol's rules, each of which can be switched off; two sets of them have published counts. */

export interface Rules {
  /** Lists are cut at self or at a repeat; or those entries are left out; or all are taken as they come. */
  readonly lists: 'cut' | 'filter' | 'as they come'
  /** A list is kept at its length: the id after its last entry stands for what is not known (Zave 2017). */
  readonly padding: boolean
  /** Learning of a nearer successor and asking it are one step, or two between which others take theirs. */
  readonly merged: boolean
  /** A nearer successor is adopted, with its list, only on its own answer. */
  readonly ask: boolean
  /** A node joins only if its first successor answers. The published counts do without. */
  readonly askAtJoin: boolean
  /** A joiner takes its helper's whole list. */
  readonly wholeList: boolean
  /** A joiner does not know its predecessor before that has notified it. */
  readonly noneAtJoin: boolean
  /** A notify counts only from a nearer node, or if the predecessor is dead. */
  readonly rectifyChecks: boolean
  /** An id that was a member does not come back: it would be another incarnation. */
  readonly fresh: boolean
  /** Who has been a member is part of the state. */
  readonly history: boolean
}

/** Zave's abstraction (TSE 2017). */
export const ZAVE: Rules = {
  lists: 'as they come',
  padding: true,
  merged: false,
  ask: true,
  askAtJoin: false,
  wholeList: true,
  noneAtJoin: false,
  rectifyChecks: true,
  fresh: false,
  history: false,
}

export const OURS: Rules = { ...ZAVE, lists: 'cut', padding: false, merged: true, noneAtJoin: true, history: true }

interface Switch {
  readonly about: string
  readonly on: Partial<Rules>
  readonly off: Partial<Rules>
}

/** Names for `--without` and `--with`. */
export const SWITCHES = {
  cut: {
    about: 'a list ends at self or at a repeat (off: these entries are left out)',
    on: { lists: 'cut' },
    off: { lists: 'filter' },
  },
  'any-cut': {
    about: 'a list ends at self or at a repeat (off: all entries are taken as they come)',
    on: { lists: 'cut' },
    off: { lists: 'as they come' },
  },
  padding: {
    about: 'a list that lost its first entry is filled up with the id after its last',
    on: { padding: true },
    off: { padding: false },
  },
  merged: {
    about: 'stabilize is one step (off: two, with others in between)',
    on: { merged: true },
    off: { merged: false },
  },
  ask: {
    about: "a nearer successor is adopted on its own answer only (off: it takes the first one's place unasked)",
    on: { ask: true },
    off: { ask: false },
  },
  'ask-at-join': {
    about: 'a node joins only if its first successor answers; the published counts do without',
    on: { askAtJoin: true },
    off: { askAtJoin: false },
  },
  'whole-list': {
    about: 'a joiner takes the whole list (off: its first entry only, as in the original protocol)',
    on: { wholeList: true },
    off: { wholeList: false },
  },
  'none-at-join': {
    about: 'a joiner knows no predecessor (off: its helper is)',
    on: { noneAtJoin: true },
    off: { noneAtJoin: false },
  },
  rectify: {
    about: 'a notify counts only from a nearer node, or if the predecessor is dead',
    on: { rectifyChecks: true },
    off: { rectifyChecks: false },
  },
  fresh: {
    about: 'who was a member comes back as another incarnation, never as the one that others list',
    on: { fresh: true, history: true },
    off: { fresh: false },
  },
} satisfies Record<string, Switch>

export type SwitchName = keyof typeof SWITCHES

export function switchedOff(rules: Rules, name: SwitchName): Rules {
  return { ...rules, ...SWITCHES[name].off } as Rules
}

export function switchedOn(rules: Rules, name: SwitchName): Rules {
  return { ...rules, ...SWITCHES[name].on } as Rules
}
