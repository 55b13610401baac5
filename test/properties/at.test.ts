import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  checkDiagrams,
  layerOf,
  pack,
  randomParameters,
  randomValues,
  unpack,
  unpackParameters,
  type Case,
  type Layer,
} from '../layers/cases.js'
import { expectRecordsClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'
import * as dense from '../support/layer.js'
import { orders } from '../support/layer.js'
import { caseArbitrary, runs, seedArbitrary } from './arbitrary.js'

/** The largest l+k among the pairs of orders, bias included. */
const largest = ({ input, output, bias }: Case): number =>
  Math.max(...orders(output)) + Math.max(...orders(input), ...(bias ? [0] : []))

const code = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return 'no error'
}

/** All three maps of a layer equal the dense sum at its own n, with the given parameters. */
function expectDense(
  spec: Case,
  layer: Layer,
  parameters: ReturnType<typeof randomParameters>['exact'],
  random: Random,
): void {
  checkDiagrams(spec, layer)
  const x = pack(spec, spec.input, randomValues(spec, spec.input, random))
  const g = pack(spec, spec.output, randomValues(spec, spec.output, random))
  const y = unpack(spec, spec.output, layer.forwardSync(x.tensors), 'forward')
  expectRecordsClose(y, dense.forward(spec, parameters, x.exact, spec.batch), 1e-12, `forward at n=${spec.n}`)
  const dx = unpack(spec, spec.input, layer.inputGradientSync(g.tensors), 'inputGradient')
  expectRecordsClose(
    dx,
    dense.inputGradient(spec, parameters, g.exact, spec.batch),
    1e-12,
    `inputGradient at n=${spec.n}`,
  )
  const dw = unpackParameters(spec, layer.weightGradientSync(x.tensors, g.tensors), 'weightGradient')
  expectRecordsClose(
    dw,
    dense.weightGradient(spec, x.exact, g.exact, spec.batch),
    1e-12,
    `weightGradient at n=${spec.n}`,
  )
}

describe('at(m)', () => {
  test('spanning: the same parameters at every n and m', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
    fc.assert(
      fc.property(caseArbitrary(2, { group: 'S', basis: 'spanning' }), sizes, seedArbitrary, (drawn, [n, m], seed) => {
        const [here, there]: [Case, Case] = [
          { ...drawn, n },
          { ...drawn, n: m },
        ]
        const random = new Random(seed)
        const layer = layerOf(here)
        const other = layer.at(m)
        const parameters = randomParameters(here, random)
        layer.load(parameters.tensors)
        expectDense(there, other, parameters.exact, random)
        expectDense(here, layer, parameters.exact, random)
      }),
      runs(60),
    )
  })

  test('independent: the same parameters wherever n and m reach l+k, else n-too-small', () => {
    fc.assert(
      fc.property(
        caseArbitrary(2, { group: 'S', basis: 'independent' }),
        fc.integer({ min: -2, max: 2 }),
        fc.integer({ min: -2, max: 2 }),
        seedArbitrary,
        (drawn, below, under, seed) => {
          const n = Math.max(1, Math.min(5, largest(drawn) + below))
          const m = Math.max(1, Math.min(5, largest(drawn) + under))
          const [here, there]: [Case, Case] = [
            { ...drawn, n },
            { ...drawn, n: m },
          ]
          const layer = layerOf(here)
          if (n < largest(drawn) || (m < largest(drawn) && m !== n)) {
            if (m !== n) expect(code(() => layer.at(m))).toBe('n-too-small')
            return
          }
          const random = new Random(seed)
          const parameters = randomParameters(here, random)
          const other = layer.at(m)
          other.load(parameters.tensors) // through the other: one store
          expectDense(here, layer, parameters.exact, random)
          expectDense(there, other, parameters.exact, random)
        },
      ),
      runs(80),
    )
  })

  test('load on one changes all, also layers made from layers', () => {
    const spec = fc.sample(
      caseArbitrary(2, { group: 'S', n: 4, basis: 'independent', input: { 2: 2 }, output: { 2: 1, 0: 1 } }),
      {
        numRuns: 1,
        seed: 3,
      },
    )[0] as Case
    const random = new Random(9)
    const first = layerOf(spec)
    const family = [first, first.at(5), first.at(5).at(4), first.at(4)] as const
    for (const loader of family) {
      const parameters = randomParameters(spec, random)
      loader.load(parameters.tensors)
      for (const [i, member] of family.entries())
        expectDense({ ...spec, n: [4, 5, 4, 4][i] as number }, member, parameters.exact, random)
    }
  })
})
