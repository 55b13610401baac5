/** Random layers on every compiled backend beside the reference, in every dtype: what the dense sum is too slow for, larger channels and
 *  batches, is here. */
import { test } from '@jest/globals'
import fc from 'fast-check'
import {
  layerOf,
  pack,
  productsOf,
  randomParameters,
  randomValues,
  unpack,
  unpackParameters,
  type Case,
} from '../layers/cases.js'
import { caseArbitrary, runs, seedArbitrary } from '../properties/arbitrary.js'
import { compiled } from '../support/backends.js'
import { Random } from '../support/group-elements.js'
import { unitRoundoff } from '../support/half.js'
import { type Record64, type Space } from '../support/layer.js'

const dtypes = ['float64', 'float32', 'float16', 'bfloat16'] as const
/** Of results in the storage type, and of weight gradients, relative to their norm. */
const tolerance = {
  float64: [1e-12, 1e-12],
  float32: [2e-6, 2e-6],
  float16: [unitRoundoff('float16'), 2e-6],
  bfloat16: [unitRoundoff('bfloat16'), 2e-6],
} as const

const wide: fc.Arbitrary<Space> = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(1, 2, 5, 8, 17, 32)), {
    selector: ([order]) => order,
    minLength: 1,
    maxLength: 2,
  })
  .map((entries) => Object.fromEntries(entries))

const layers = fc
  .tuple(caseArbitrary(3), wide, wide, fc.constantFrom(...dtypes), fc.constantFrom(1, 2, 5, 33))
  .map(([spec, input, output, dtype, batch]): Case => ({ ...spec, input, output, dtype, batch }))
  .filter((spec) => productsOf(spec) < 1e6)

/** y, dx, dw and both of these together, as exact doubles, and what they were made from. */
function maps(spec: Case, seed: number) {
  const random = new Random(seed)
  const layer = layerOf(spec)
  layer.load(randomParameters(spec, random).tensors)
  const x = pack(spec, spec.input, randomValues(spec, spec.input, random))
  const g = pack(spec, spec.output, randomValues(spec, spec.output, random))
  const both = layer.vjpSync(x.tensors).pullback(g.tensors)
  return {
    given: norm(x.exact) + norm(g.exact),
    results: {
      forward: unpack(spec, spec.output, layer.forwardSync(x.tensors), 'forward'),
      inputGradient: unpack(spec, spec.input, layer.inputGradientSync(g.tensors), 'inputGradient'),
      weightGradient: unpackParameters(spec, layer.weightGradientSync(x.tensors, g.tensors), 'weightGradient'),
      gradientsByX: unpack(spec, spec.input, both.x, 'gradients'),
      gradientsByParameters: unpackParameters(spec, both.parameters, 'gradients'),
    },
  }
}

const flat = (record: Record64): number[] => Object.values(record).flatMap((values) => [...values])
const norm = (record: Record64): number => Math.hypot(...flat(record))

function expectSame(spec: Case, seed: number): void {
  const wanted = maps({ ...spec, backend: 'reference' }, seed)
  const { results } = maps(spec, seed)
  for (const map of Object.keys(results) as (keyof typeof results)[]) {
    const expected = flat(wanted.results[map])
    const distance = Math.hypot(...flat(results[map]).map((value, i) => value - (expected[i] as number)))
    // Parameters are of unit size, so a result that is much smaller than what it was made from has cancelled.
    const allowed =
      tolerance[spec.dtype][['weightGradient', 'gradientsByParameters'].includes(map) ? 1 : 0] *
      (Math.hypot(...expected) + wanted.given)
    if (!(distance <= allowed))
      throw new Error(`${spec.backend}: ${map}: expected a distance of at most ${allowed}, received ${distance}`)
  }
}

test.each(compiled)('%s gives what the reference gives', (backend) => {
  fc.assert(
    fc.property(layers, seedArbitrary, (spec, seed) => expectSame({ ...spec, backend }, seed)),
    runs(120),
  )
})

/** Of a dense way, whose weight gradients are outputs that lie side by side, and of which the second has two elements. */
test.each(compiled)('weight gradients of SO(3) {1:2, 2:3} -> {1:16, 2:1} on %s', (backend) => {
  const spec: Case = {
    ...{ group: 'SO', n: 3, input: { 1: 2, 2: 3 }, output: { 1: 16, 2: 1 }, batch: 5, dtype: 'float32' },
    ...{ threads: 1, basis: 'independent', normalize: 'sum', layout: 'channels-last', bias: false, call: 'sync' },
    ...{ backend, way: { strategy: 'dense' } },
  }
  expectSame(spec, 1)
})
