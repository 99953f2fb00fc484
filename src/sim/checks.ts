/** All that `chordite check` can check, the quick ones first. */
import { core } from './explore/index.ts'
import { original, ours, zave, zaveAtomic } from './model/checks.ts'
import type { Check } from './model/outcome.ts'
import { refinement } from './refinement/index.ts'

export const CHECKS: readonly Check[] = [zaveAtomic, zave, ours, refinement, core, original]
