/** Layers whose runs end when a test says so, and answers compared by their bits. */
import { expect } from '@jest/globals'
import {
  linear,
  O,
  product,
  S,
  SO,
  Sp,
  tensor,
  type Batchable,
  type BatchedStats,
  type Dtype,
  type LinearOptions,
  type Tensor,
} from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'
import { encoder } from '../../lib/tensor/half.js'

export type Layer = Batchable & { forwardSync(x: Tensors): Tensors }
export type Tensors = Readonly<Record<string, Tensor>>

const any = (layer: unknown): Layer => layer as Layer

/** Every option that changes how items lie in memory. */
export const layers = (on: Pick<LinearOptions, 'backend' | 'cuda'>): [string, Layer][] => [
  ['S(3), three orders', any(linear(S(3), { 0: 2, 1: 1, 2: 2 }, { 0: 1, 1: 2, 2: 1 }, { ...on, bias: true }))],
  ['O(3), channels first', any(linear(O(3), { 1: 2, 2: 3 }, { 2: 2 }, { ...on, layout: 'channels-first' }))],
  ['SO(3), float16', any(linear(SO(3), { 1: 2, 2: 1 }, { 1: 3 }, { ...on, dtype: 'float16' }))],
  ['Sp(2), bfloat16', any(linear(Sp(2), { 2: 1 }, { 0: 1, 2: 1 }, { ...on, dtype: 'bfloat16' }))],
  ['S(2)×O(2), float64', any(linear(product(S(2), O(2)), { a: 2, ab: 1 }, { b: 1, ab: 2 }, { ...on, dtype: 'float64' }))],
] // prettier-ignore

/** The input of request `id`: of other numbers for each. */
export function draw({ group, input, options }: Batchable, batch: number, id: number): Tensors {
  const encode = encoder(options.dtype)
  return Object.fromEntries(
    Object.entries(input).map(([order, channels], at) => {
      const extents = group.indices(group.parseOrder(order)).map((kind) => group.kinds[kind]!.n)
      const shape = options.layout === 'channels-first' ? [batch, channels, ...extents] : [batch, ...extents, channels]
      const size = shape.reduce((a, b) => a * b, 1)
      const numbers = Array.from({ length: size }, (_, i) => encode(normalAt(100 * id + at, i)))
      const half = options.dtype === 'float16' || options.dtype === 'bfloat16'
      return [order, tensor<Dtype>(half ? Uint16Array.from(numbers) : numbers, shape, options.dtype)]
    }),
  )
}

/** Everything that two answers may differ in. */
export const bits = (y: Tensors) =>
  Object.entries(y).map(([order, { shape, dtype, data }]) => [
    order,
    shape,
    dtype,
    Buffer.from(data.slice().buffer).toString('hex'),
  ])

/** A layer whose runs start as ever and end one by one, when `release` is called. */
export function gate(layer: Layer) {
  const runs: { x: Tensors; signal: AbortSignal | undefined; go: () => void }[] = []
  let open = false
  let released = 0
  const gated: Layer = {
    ...pick(layer),
    forwardSync: (x) => layer.forwardSync(x),
    async forward(x, options) {
      const copy = Object.entries(x).map(([order, { data, dims, type }]) => [
        order,
        tensor((data as Float32Array).slice(), dims, type as Dtype),
      ])
      const run = { x: Object.fromEntries(copy) as Tensors, signal: options?.signal, go: () => {} }
      const gone = new Promise<void>((resolve, reject) => {
        run.go = resolve
        options?.signal?.addEventListener('abort', () => reject(new Error('the run was stopped')))
      })
      runs.push(run)
      if (!open) await gone
      return layer.forward(x, options)
    },
  }
  return {
    layer: gated,
    runs,
    /** Ends the run in flight. */
    release: () => runs[released++]?.go(),
    /** Ends it and holds up no more. */
    open: () => {
      open = true
      for (const run of runs) run.go()
    },
  }
}

const pick = ({ group, input, output, options }: Batchable) => ({ group, input, output, options })

/** One turn of the event loop. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Every request has become one thing. */
export function addsUp(stats: BatchedStats): void {
  const { requests, answered, aborted, refused, failed, waiting, running } = stats
  expect(answered + aborted + refused + failed + waiting + running).toBe(requests)
  expect(Object.isFrozen(stats)).toBe(true)
}

/** The layer of the tests that are not about layers, and an input of it. */
const simple = linear(O(3), { 1: 2 }, { 0: 1, 1: 2 }, { backend: 'reference', expectedBatch: 8 })
export const layer = simple as unknown as Layer
export const x = (batch: number, id = 0) => draw(layer, batch, id)
/** The batches of some runs. */
export const sizes = (runs: readonly { x: Tensors }[]): number[] => runs.map((run) => run.x[1]!.shape[0]!)
/** What became of a request. */
export const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    (error: { code?: unknown }) => error.code ?? error,
  )
