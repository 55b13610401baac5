import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { layerOf, pack, randomParameters, randomValues, unpack, type Case } from '../layers/cases.js'
import { actOnBatch, Random, randomElement } from '../support/group-elements.js'
import { orders, type Record64, type Space } from '../support/layer.js'
import { caseArbitrary, runs, seedArbitrary } from './arbitrary.js'

const actOnSpace = (g: Float64Array, { n, batch }: Case, space: Space, values: Record64): Record64 =>
  Object.fromEntries(
    orders(space).map((order) => {
      return [order, actOnBatch(g, values[order] as Float64Array, batch, n, order, space[order] as number)]
    }),
  )

const norm = (values: Record64): number => Math.hypot(...Object.values(values).flatMap((array) => [...array]))
const distance = (a: Record64, b: Record64): number =>
  Math.hypot(
    ...Object.entries(a).flatMap(([order, array]) =>
      [...array].map((value, i) => value - ((b[order] as Float64Array)[i] as number)),
    ),
  )

/** ‖f(gx) − g f(x)‖ over what rounding may do: the sizes of both sides, and ‖g‖^(l+k) ≤ 2^6 for Sp. */
function defect(spec: Case, seed: number, element: Float64Array | undefined): number {
  const random = new Random(seed)
  const layer = layerOf(spec)
  layer.load(randomParameters(spec, random).tensors)
  const g = element ?? randomElement(spec.group, spec.n, random)
  const x = randomValues(spec, spec.input, random)
  const run = (values: Record64): Record64 =>
    unpack(spec, spec.output, layer.forwardSync(pack(spec, spec.input, values).tensors), 'forward')
  const y = run(x)
  const left = run(actOnSpace(g, spec, spec.input, x))
  const right = actOnSpace(g, spec, spec.output, y)
  const growth = spec.group === 'Sp' ? 64 : 1
  return distance(left, right) / (growth * (norm(left) + norm(y) + norm(x)))
}

test('f(g x) = g f(x) for random elements of the group', () => {
  fc.assert(
    fc.property(caseArbitrary(3), seedArbitrary, (spec, seed) => {
      expect(defect(spec, seed, undefined)).toBeLessThan(1e-12)
    }),
    runs(150),
  )
})

test('a matrix outside the group breaks it, so the check can fail', () => {
  const spec = fc.sample(caseArbitrary(2, { group: 'O', n: 3, input: { 2: 1 }, output: { 2: 1 } }), {
    numRuns: 1,
    seed: 1,
  })[0] as Case
  expect(defect(spec, 5, Float64Array.of(2, 0, 0, 0, 1, 0, 0, 0, 1))).toBeGreaterThan(1e-3)
})
