/** Clusters, as a program sees them. */
import { describe, expectTypeOf, it } from 'vitest'
import {
  type Caller,
  type Cluster,
  type ClusterEvents,
  type ClusterMetrics,
  type ClusterOptions,
  createCluster,
  type Events,
  type Metrics,
  type NodeOptions,
  type WorkerContext,
  type WorkerSetup,
} from '../../src/index.ts'

declare const cluster: Cluster
declare const node: NodeOptions

describe('a cluster', () => {
  it('takes the options of a node, and its own', () => {
    expectTypeOf(createCluster).parameters.toEqualTypeOf<[o?: ClusterOptions]>()
    createCluster({ ...node, workers: 2, module: new URL('file:///app.js'), data: { any: 1 } })
    createCluster({ listen: ['127.0.0.1:1', '127.0.0.1:2'], resourceLimits: { maxOldGenerationSizeMb: 64 } })
    // @ts-expect-error unknown option
    createCluster({ threads: 2 })
  })

  it('is a caller that starts and leaves', () => {
    expectTypeOf<Cluster>().toExtend<Caller>()
    expectTypeOf<Cluster>().toExtend<AsyncDisposable>()
    expectTypeOf(cluster.start({ timeoutMs: 5 })).resolves.toEqualTypeOf<Cluster>()
    expectTypeOf(cluster.metrics()).resolves.toEqualTypeOf<ClusterMetrics>()
    expectTypeOf<ClusterMetrics['total']>().toEqualTypeOf<Metrics>()
    // @ts-expect-error handlers are the workers'
    cluster.handle
  })

  it('tells the events of nodes, and of workers', () => {
    expectTypeOf<ClusterEvents>().toExtend<Events>()
    cluster.on('range', (change, worker) => {
      expectTypeOf(change).toEqualTypeOf<Events['range']>()
      expectTypeOf(worker).toBeNumber()
    })
    cluster.on('worker:down', ({ error }) => expectTypeOf(error?.code).toExtend<string | undefined>())
    // @ts-expect-error no such event
    cluster.on('error', () => {})
  })

  it('types what a module gets', () => {
    const setup: WorkerSetup<{ table: string }> = (_node, context) => {
      expectTypeOf(context).toEqualTypeOf<WorkerContext<{ table: string }>>()
    }
    expectTypeOf(setup).toExtend<WorkerSetup>()
  })
})
