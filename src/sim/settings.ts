/** What a plan's settings mean: the configuration of the nodes, and what links do. */
import type { CoreConfig } from '../core/state.ts'
import type { Conditions, Delay } from './conditions.ts'
import type { Settings } from './plan.ts'

const CONFIG = {
  successors: 8,
  onIsolated: 'wait',
  stabilizeMinMs: 250,
  stabilizeMaxMs: 2000,
  probeMinMs: 50,
  probeMaxMs: 2000,
  evictAfterMisses: 3,
  fingersMinMs: 1000,
  fingersMaxMs: 30_000,
  selfLookupMs: 5000,
  rejoinMinMs: 100,
  rejoinMaxMs: 10_000,
  handoverMs: 10_000,
  rememberedPeers: 128,
} as const satisfies CoreConfig

/** In a hundred messages. */
const CONDITIONS = { delay: '1..3', loss: 0, duplicate: 0, reorder: 0, corrupt: 0 } as const

const OTHERS = {
  /** How long services take over a hand-over. */
  services: 0,
  /** So often an application somewhere asks for the owner of some key; 0 for never. */
  lookupsMs: 0,
} as const

const KNOWN: Settings = { ...CONFIG, ...CONDITIONS, ...OTHERS }

/** Throws for a name that is no setting, and for a word or another number where a number belongs. */
export function checkSettings(settings: Settings): void {
  checkNumbers(settings, KNOWN)
  if (settings.delay !== undefined) delayOf(String(settings.delay))
  if (settings.onIsolated !== undefined && settings.onIsolated !== 'wait' && settings.onIsolated !== 'serve') {
    throw new Error(`onIsolated must be 'wait' or 'serve'`)
  }
}

/** The same for those of a link. */
export function checkConditions(settings: Settings): void {
  checkNumbers(settings, CONDITIONS)
  if (settings.delay !== undefined) delayOf(String(settings.delay))
}

function checkNumbers(settings: Settings, known: Settings): void {
  for (const [name, value] of Object.entries(settings)) {
    const usual = known[name]
    if (usual === undefined) throw new Error(`unknown setting '${name}'; known are ${Object.keys(known).join(', ')}`)
    if (typeof usual !== 'number') continue
    if (typeof value !== 'number') throw new Error(`${name} must be a number`)
    const least = name in CONFIG ? 1 : 0
    const most = name in CONDITIONS ? 100 : Number.MAX_SAFE_INTEGER
    const isWhole = !(name in CONFIG) || Number.isInteger(value)
    if (!isWhole || value < least || value > most) {
      throw new Error(`${name} must be a ${name in CONFIG ? 'whole ' : ''}number from ${least} to ${most}`)
    }
  }
}

export function configOf(settings: Settings): CoreConfig {
  return { ...CONFIG, ...only(settings, CONFIG) }
}

/** Those that are given. */
export function conditionsOf(settings: Settings): Partial<Conditions> {
  const { delay, loss, duplicate, reorder, corrupt } = settings as Record<string, number | undefined>
  return {
    ...(delay !== undefined && { delay: delayOf(String(delay)) }),
    ...(loss !== undefined && { lossPercent: loss }),
    ...(duplicate !== undefined && { duplicatePercent: duplicate }),
    ...(reorder !== undefined && { reorderPercent: reorder }),
    ...(corrupt !== undefined && { corruptPercent: corrupt }),
  }
}

export function networkOf(settings: Settings): Partial<Conditions> {
  return conditionsOf({ ...CONDITIONS, ...only(settings, CONDITIONS) })
}

export function numberOf(settings: Settings, name: keyof typeof OTHERS): number {
  return (settings[name] ?? OTHERS[name]) as number
}

/** `3`, `1..40`, `heavy:20` (the median), `far:2,200,5` (near, far, how many in a hundred are far). */
function delayOf(text: string): Delay {
  const numbers = (text.match(/[\d.]*\d/g) ?? []).flatMap((part) => part.split('..').map(Number))
  const [a = Number.NaN, b = a, c = Number.NaN] = numbers
  if (/^\d+$/.test(text)) return { kind: 'constant', ms: a }
  if (/^\d+\.\.\d+$/.test(text)) return { kind: 'uniform', minMs: a, maxMs: b }
  if (/^heavy:\d+$/.test(text)) return { kind: 'heavy', medianMs: a }
  if (/^far:\d+,\d+,\d+$/.test(text)) return { kind: 'bimodal', nearMs: a, farMs: b, farPercent: c }
  throw new Error(`'${text}' is no delay: 3, 1..40, heavy:20, far:2,200,5`)
}

function only(settings: Settings, names: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => name in names))
}
