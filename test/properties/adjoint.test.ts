import { test } from '@jest/globals'
import fc from 'fast-check'
import {
  layerOf,
  pack,
  randomParameters,
  randomValues,
  unpack,
  unpackParameters,
  type Case,
  type Tensor,
} from '../layers/cases.js'
import { expectRecordsClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'
import * as dense from '../support/layer.js'
import type { Record64 } from '../support/layer.js'
import { caseArbitrary, runs, seedArbitrary } from './arbitrary.js'

function inner(a: Record64, b: Record64): number {
  let sum = 0
  for (const [name, values] of Object.entries(a))
    values.forEach((value, i) => (sum += value * ((b[name] as Float64Array)[i] as number)))
  return sum
}

const norm = (a: Record64): number => Math.sqrt(inner(a, a))

function expectEqualProducts(a: number, b: number, scale: number, label: string): void {
  if (!(Math.abs(a - b) <= 1e-12 * scale))
    throw new Error(`${label}: ${a} and ${b} differ by more than rounding (scale ${scale})`)
}

function setUp(spec: Case, seed: number) {
  const random = new Random(seed)
  const layer = layerOf(spec)
  layer.load(randomParameters(spec, random).tensors)
  const parameters = randomParameters(spec, random) // others than the layer's own
  const linearPart = Object.fromEntries(
    Object.entries(parameters.tensors).filter(([name]) => name.startsWith('weight.')),
  )
  const x = pack(spec, spec.input, randomValues(spec, spec.input, random))
  const g = pack(spec, spec.output, randomValues(spec, spec.output, random))
  return { layer, parameters, linearPart, x, g }
}

const asRecord = (parameters: Readonly<Record<string, { data: Float64Array }>>): Record64 =>
  Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data]))

test('⟨f x, y⟩ = ⟨x, fᵀ y⟩ = ⟨W, gradient of W⟩ for the linear part', () => {
  fc.assert(
    fc.property(caseArbitrary(3), seedArbitrary, (spec, seed) => {
      const { layer, parameters, linearPart, x, g } = setUp(spec, seed)
      const y = unpack(spec, spec.output, layer.forwardSync(x.tensors, { parameters: linearPart }), 'forward')
      const dx = unpack(
        spec,
        spec.input,
        layer.inputGradientSync(g.tensors, { parameters: linearPart }),
        'inputGradient',
      )
      const scale = norm(y) * norm(g.exact) + norm(x.exact) * norm(dx)
      expectEqualProducts(inner(y, g.exact), inner(x.exact, dx), scale, 'adjoint')

      const all = unpackParameters(spec, layer.weightGradientSync(x.tensors, g.tensors), 'weightGradient')
      const weights = Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('weight.')))
      const product = inner(weights, asRecord(parameters.exact))
      expectEqualProducts(
        product,
        inner(y, g.exact),
        scale + norm(weights) * norm(asRecord(parameters.exact)),
        'weights',
      )
    }),
    runs(150),
  )
})

test('with the bias, ⟨f x, y⟩ is the inner product of all parameters with their gradient', () => {
  fc.assert(
    fc.property(caseArbitrary(3, { bias: true }), seedArbitrary, (spec, seed) => {
      const { layer, parameters, x, g } = setUp(spec, seed)
      const y = unpack(spec, spec.output, layer.forwardSync(x.tensors, { parameters: parameters.tensors }), 'forward')
      const gradient = unpackParameters(spec, layer.weightGradientSync(x.tensors, g.tensors), 'weightGradient')
      const all = asRecord(parameters.exact)
      const scale = norm(y) * norm(g.exact) + norm(gradient) * norm(all)
      expectEqualProducts(inner(y, g.exact), inner(gradient, all), scale, 'bilinear')
    }),
    runs(80),
  )
})

test('parameters of a call take the place of the layer’s own, and absent names count as zero', () => {
  fc.assert(
    fc.property(caseArbitrary(2), seedArbitrary, fc.func(fc.boolean()), (spec, seed, keep) => {
      const { layer, parameters, x, g } = setUp(spec, seed)
      const names = Object.keys(parameters.tensors).filter((name) => keep(name))
      const tensors: Record<string, Tensor> = Object.fromEntries(
        names.map((name) => [name, parameters.tensors[name] as Tensor]),
      )
      const exact = Object.fromEntries(Object.entries(parameters.exact).filter(([name]) => names.includes(name)))
      const y = unpack(spec, spec.output, layer.forwardSync(x.tensors, { parameters: tensors }), 'forward')
      expectRecordsClose(y, dense.forward(spec, exact, x.exact, spec.batch), 1e-12, 'forward')
      const dx = unpack(spec, spec.input, layer.inputGradientSync(g.tensors, { parameters: tensors }), 'inputGradient')
      expectRecordsClose(dx, dense.inputGradient(spec, exact, g.exact, spec.batch), 1e-12, 'inputGradient')
    }),
    runs(60),
  )
})
