export interface Stage {
  chord: Record<string, unknown>
  log(...said: unknown[]): void
}
export function transcriptOf(program: (stage: Stage) => Promise<void>, library: object): Promise<string[]>
export function port(): Promise<number>
export function until(condition: () => boolean): Promise<void>
