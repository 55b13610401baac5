import { describe, expect, test } from '@jest/globals'
import { backends, compiled, inTurn } from '../support/backends.js'
import { expectRecordsClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'
import * as dense from '../support/layer.js'
import { orders, sizeOf, type Record64, type Space } from '../support/layer.js'
import { pairwise } from '../support/pairwise.js'
import {
  layerOf,
  pack,
  randomParameters,
  randomValues,
  TOLERANCE,
  unpack,
  unpackParameters,
  type Case,
} from './cases.js'

const options = {
  dtype: ['float64', 'float32'],
  threads: [1, 2],
  basis: ['independent', 'spanning'],
  normalize: ['sum', 'mean'],
  layout: ['channels-last', 'channels-first'],
  bias: [false, true],
  call: ['sync', 'async'],
  strategy: ['auto', 'diagrams', 'shared', 'fourier'],
} as const

/** Positions, in one padded item [n, …, n, C], of the entries whose indices are all below `size`, in order. */
function inside(n: number, size: number, order: number, channels: number): number[] {
  let positions = [0]
  for (let axis = 0; axis < order; axis++) {
    positions = positions.flatMap((at) => Array.from({ length: size }, (_, i) => at * n + i))
  }
  return positions.flatMap((at) => Array.from({ length: channels }, (_, c) => at * channels + c))
}

/** One item out of a padded batch, as a batch of one at its own n. */
function itemOf({ n }: Case, space: Space, values: Record64, item: number, size: number): Record64 {
  return Object.fromEntries(
    orders(space).map((order) => {
      const offset = item * sizeOf(n, space, order)
      const at = inside(n, size, order, space[order] as number)
      return [order, Float64Array.from(at, (i) => (values[order] as Float64Array)[offset + i] as number)]
    }),
  )
}

/** The same batch with `filler` outside of every item's own extent. */
function padded({ n }: Case, space: Space, values: Record64, sizes: readonly number[], filler: number): Record64 {
  return Object.fromEntries(
    orders(space).map((order) => {
      const filled = new Float64Array((values[order] as Float64Array).length).fill(filler)
      for (const [item, size] of sizes.entries()) {
        const offset = item * sizeOf(n, space, order)
        for (const i of inside(n, size, order, space[order] as number)) {
          filled[offset + i] = (values[order] as Float64Array)[offset + i] as number
        }
      }
      return [order, filled]
    }),
  )
}

/** What a map gives item by item, put back into a padded batch of zeros. */
function gather(spec: Case, space: Space, items: readonly Record64[], sizes: readonly number[]): Record64 {
  return Object.fromEntries(
    orders(space).map((order) => {
      const all = new Float64Array(spec.batch * sizeOf(spec.n, space, order))
      for (const [item, size] of sizes.entries()) {
        const offset = item * sizeOf(spec.n, space, order)
        const own = items[item]?.[order] as Float64Array
        for (const [i, at] of inside(spec.n, size, order, space[order] as number).entries())
          all[offset + at] = own[i] as number
      }
      return [order, all]
    }),
  )
}

async function checkSizes(spec: Case, sizes: readonly number[], seed: number): Promise<void> {
  const { input, output, n, batch } = spec
  const tolerance = TOLERANCE[spec.dtype as 'float64' | 'float32']
  const random = new Random(seed)
  const layer = layerOf(spec)
  const parameters = randomParameters(spec, random)
  layer.load(parameters.tensors)
  const x = pack(spec, input, randomValues(spec, input, random)).exact
  const g = pack(spec, output, randomValues(spec, output, random)).exact
  // NaN shows up in the result as soon as padding is read.
  const [xt, gt] = [padded(spec, input, x, sizes, NaN), padded(spec, output, g, sizes, NaN)]
  const [given, pulled] = [pack(spec, input, xt).tensors, pack(spec, output, gt).tensors]
  const own = (size: number) => ({ ...spec, n: size, chosenAt: n })
  const each = (run: (size: number, item: number) => Record64): Record64[] => sizes.map(run)
  const sync = spec.call === 'sync'

  const y = sync ? layer.forwardSync(given, { sizes }) : await layer.forward(given, { sizes })
  const wantedY = each((size, item) =>
    dense.forward(own(size), parameters.exact, itemOf(spec, input, x, item, size), 1),
  )
  expectRecordsClose(unpack(spec, output, y, 'forward'), gather(spec, output, wantedY, sizes), tolerance, 'forward')

  const dx = sync ? layer.inputGradientSync(pulled, { sizes }) : await layer.inputGradient(pulled, { sizes })
  const wantedDx = each((size, item) =>
    dense.inputGradient(own(size), parameters.exact, itemOf(spec, output, g, item, size), 1),
  )
  expectRecordsClose(
    unpack(spec, input, dx, 'inputGradient'),
    gather(spec, input, wantedDx, sizes),
    tolerance,
    'inputGradient',
  )

  const dw = sync
    ? layer.weightGradientSync(given, pulled, { sizes })
    : await layer.weightGradient(given, pulled, { sizes })
  const sum: Record64 = {}
  const parts = each((size, item) =>
    dense.weightGradient(own(size), itemOf(spec, input, x, item, size), itemOf(spec, output, g, item, size), 1),
  )
  for (const part of parts) {
    for (const [name, values] of Object.entries(part)) {
      sum[name] = (sum[name] ?? new Float64Array(values.length)).map((value, i) => value + (values[i] as number))
    }
  }
  expectRecordsClose(unpackParameters(spec, dw, 'weightGradient'), sum, tolerance, 'weightGradient')

  const both = sync
    ? layer.vjpSync(given, { sizes }).pullback(pulled)
    : await (await layer.vjp(given, { sizes })).pullback(pulled)
  const parted = gather(spec, input, wantedDx, sizes)
  expectRecordsClose(unpack(spec, input, both.x, 'gradients'), parted, tolerance, 'gradients by x')
  expectRecordsClose(unpackParameters(spec, both.parameters, 'gradients'), sum, tolerance, 'gradients by parameters')
  expect(batch).toBe(sizes.length)
}

describe('items of one call with an n of their own', () => {
  const layers: readonly (readonly [number, Space, Space, readonly number[]])[] = [
    [3, { 1: 2 }, { 1: 1 }, [1, 3, 2]],
    [4, { 0: 1, 1: 2, 2: 3 }, { 0: 2, 1: 1, 2: 2 }, [4, 1, 3, 2]],
    [5, { 2: 1 }, { 2: 4 }, [2, 5, 5, 3, 1]],
    [6, { 2: 2 }, { 0: 1, 2: 1 }, [6, 4, 5]],
    [4, { 3: 1 }, { 2: 2 }, [3, 4, 1, 2]],
    [4, { 1: 1, 2: 16 }, { 1: 17 }, [4, 4, 2, 2, 2, 3, 1]],
  ]
  test.each(layers)('S(%i) %j -> %j with sizes %j', async (n, input, output, sizes) => {
    const rows = pairwise({ ...options, backend: inTurn(backends, n) }, n)
    for (const [seed, { strategy, ...row }] of rows.entries()) {
      const spec: Case = { group: 'S', n, input, output, batch: sizes.length, way: { strategy }, ...row }
      try {
        await checkSizes(spec, sizes, seed)
      } catch (error) {
        throw new Error(`${(error as Error).message}\n  ${JSON.stringify(spec)} seed ${seed}`, { cause: error })
      }
    }
  })

  test.each(inTurn(compiled, 2))('an item has the bits that it has alone (%s)', (backend) => {
    const spec: Case = {
      group: 'S',
      n: 6,
      input: { 1: 3, 2: 2 },
      output: { 1: 2, 2: 5 },
      batch: 3,
      dtype: 'float32',
      backend,
      threads: 2,
      basis: 'spanning',
      normalize: 'mean',
      layout: 'channels-last',
      bias: true,
      way: { strategy: 'auto' },
      call: 'sync',
    }
    const sizes = [4, 6, 5]
    const random = new Random(2)
    const layer = layerOf(spec)
    layer.load(randomParameters(spec, random).tensors)
    const x = randomValues(spec, spec.input, random)
    const together = unpack(
      spec,
      spec.output,
      layer.forwardSync(pack(spec, spec.input, x).tensors, { sizes }),
      'together',
    )
    for (const [item, size] of sizes.entries()) {
      const alone: Case = { ...spec, n: size, batch: 1 }
      const result = layer
        .at(size)
        .forwardSync(pack(alone, spec.input, itemOf(spec, spec.input, x, item, size)).tensors)
      expect([size, unpack(alone, spec.output, result, 'alone')]).toEqual([
        size,
        itemOf(spec, spec.output, together, item, size),
      ])
    }
  })

  test.each([[[3]], [[3, 3, 3]], [[0, 3]], [[4, 3]], [[1.5, 3]], [[NaN, 3]]])(
    'sizes %j are refused for a batch of two at n = 3',
    (sizes) => {
      const spec: Case = {
        group: 'S',
        n: 3,
        input: { 1: 1 },
        output: { 1: 1 },
        batch: 2,
        dtype: 'float32',
        backend: backends[0]!,
        threads: 1,
        basis: 'spanning',
        normalize: 'sum',
        layout: 'channels-last',
        bias: false,
        way: { strategy: 'auto' },
        call: 'sync',
      }
      const x = pack(spec, spec.input, randomValues(spec, spec.input, new Random(1))).tensors
      const layer = layerOf(spec)
      expect(() => layer.forwardSync(x, { sizes })).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^invalid-/) }),
      )
      expect(() => layer.forwardSync(x, { sizes: [1, 3] })).not.toThrow()
    },
  )
})
