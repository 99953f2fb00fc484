/** Lets a test act in the middle of a hand-over: between the steps of each service. */
import type { RangeChange, Service } from '../../api.ts'

/** A service is about to `prepare` or `transfer`, has `transferred`, or is about to `commit`. */
export type HandoverStep = 'prepare' | 'transfer' | 'transferred' | 'commit'

export interface Handover {
  readonly step: HandoverStep
  readonly service: string
  readonly change: RangeChange
}

/** `tell` may end the process: then the service never gets to do more, which is what `isOver` says. */
export function watched(service: Service, tell: (handover: Handover) => void, isOver: () => boolean): Service {
  const at = (step: HandoverStep, change: RangeChange): void => tell({ step, service: service.name, change })
  return {
    name: service.name,
    start: (context) => service.start(context),
    stop: () => service.stop(),
    async prepare(change) {
      at('prepare', change)
      if (isOver()) return forever()
      await service.prepare?.(change)
    },
    async transfer(change) {
      at('transfer', change)
      if (isOver()) return forever()
      await service.transfer?.(change)
      at('transferred', change)
      if (isOver()) return forever()
    },
    commit(change) {
      at('commit', change)
      if (!isOver()) return service.commit?.(change)
    },
  }
}

function forever(): Promise<void> {
  return new Promise(() => {})
}

/** For nodes without services. */
export const idleService: Service = { name: 'chordite.idle', start() {}, async stop() {} }
