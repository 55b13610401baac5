/** Fresh layers: outputs of unit variance for inputs of unit variance (design 1.1), and seeds. */
import { describe, expect, test } from '@jest/globals'
import { type Group, linear, O, S, SO, Sp, tensor, type LinearOptions } from '../../lib/index.js'
import { normalAt } from '../../lib/tensor/random.js'

type Space = Record<number, number>

/** The mean square of the outputs of one order, over seeds and items. */
function meanSquares(group: Group, input: Space, output: Space, options: LinearOptions): Record<string, number> {
  const n = group.kinds[0]!.n
  const [seeds, batch] = [30, 8]
  const total: Record<string, number> = {}
  for (let seed = 0; seed < seeds; seed++) {
    const layer = linear(group, input, output, { ...options, seed, backend: 'cpu' })
    const x = Object.fromEntries(
      Object.entries(input).map(([order, channels]) => {
        const shape = [batch, ...new Array<number>(Number(order)).fill(n), channels]
        const size = shape.reduce((a, b) => a * b, 1)
        const stream = 1000 + 7 * seed + Number(order)
        return [
          order,
          tensor(
            Float32Array.from({ length: size }, (_, i) => normalAt(stream, i)),
            shape,
          ),
        ]
      }),
    )
    for (const [order, value] of Object.entries(layer.forwardSync(x))) {
      const numbers = value.toNumbers()
      total[order] = (total[order] ?? 0) + numbers.reduce((sum, y) => sum + y * y, 0) / numbers.length / seeds
    }
  }
  return total
}

describe('the mean square of the outputs is 1', () => {
  test.each<[string, Group, Space, Space]>([
    ['S(4) {0,1,2} → {0,1,2}', S(4), { 0: 12, 1: 8, 2: 6 }, { 0: 12, 1: 8, 2: 6 }],
    ['S(2) {2} → {2}, fewer diagrams than partitions', S(2), { 2: 16 }, { 2: 16 }],
    ['S(9) {2} → {1}', S(9), { 2: 8 }, { 1: 16 }],
    ['O(3) {0,1,2} → {0,1,2}', O(3), { 0: 12, 1: 8, 2: 6 }, { 0: 12, 1: 8, 2: 6 }],
    ['O(2) {3} → {3}, fewer than matchings', O(2), { 3: 12 }, { 3: 12 }],
    ['SO(3) {1,2} → {0,1,2}', SO(3), { 1: 12, 2: 8 }, { 0: 16, 1: 12, 2: 8 }],
    ['SO(2) {1} → {1}', SO(2), { 1: 24 }, { 1: 24 }],
    ['Sp(4) {1,2} → {1,2}', Sp(4), { 1: 12, 2: 8 }, { 1: 12, 2: 8 }],
  ])('%s', (_, group, input, output) => {
    for (const normalize of ['sum', 'mean'] as const) {
      for (const [order, square] of Object.entries(meanSquares(group, input, output, { normalize, bias: true }))) {
        // Weights and inputs together scatter by a few hundredths; a wrong power of n would be a factor of 1.4 at least.
        expect([normalize, order, square > 0.8 && square < 1.25, square]).toEqual([normalize, order, true, square])
      }
    }
  })

  test('all dtypes begin with the same weights', () => {
    const of = (dtype: 'float32' | 'float16' | 'bfloat16' | 'float64') =>
      linear(S(3), { 1: 2 }, { 1: 2 }, { dtype, backend: 'reference' }).parameters['weight.1.1']!
    expect(of('float16').data).toEqual(of('float32').data)
    expect(of('bfloat16').data).toEqual(of('float32').data)
    expect([of('float16').dtype, of('float64').dtype]).toEqual(['float32', 'float64'])
    expect(Float32Array.from(of('float64').data)).toEqual(of('float32').data)
  })

  test('the bias begins at zero', () => {
    const { parameters } = linear(S(3), { 1: 2 }, { 1: 2 }, { bias: true, backend: 'reference' })
    expect(parameters['bias.1']!.toNumbers()).toEqual([0, 0])
  })
})

describe('seeds', () => {
  const weights = (seed: number | undefined, options: LinearOptions = {}): number[] =>
    linear(
      O(3),
      { 1: 4, 2: 4 },
      { 1: 4, 2: 4 },
      { backend: 'reference', ...(seed === undefined ? {} : { seed }), ...options },
    ).parameters['weight.2.2']!.toNumbers()

  test('the same seed, the same bits, whatever else differs', () => {
    expect(weights(7)).toEqual(weights(7))
    expect(weights(7, { backend: 'cpu' })).toEqual(weights(7))
    expect(weights(7, { strategy: 'dense', threads: 1, expectedBatch: 9, layout: 'channels-first' })).toEqual(
      weights(7),
    )
    expect(weights(undefined)).toEqual(weights(0))
  })

  test.each([[0, 1], [1, 2], [0, 2 ** 31], [0, 2 ** 32], [1, 2 ** 32 + 1], [5, 2 ** 52 + 5], [2 ** 53 - 1, 2 ** 53 - 2]])(
    'seeds %d and %d have nothing in common', (a, b) => {
      const second = new Set(weights(b))
      expect(weights(a).filter((value) => second.has(value))).toEqual([])
    },
  ) // prettier-ignore

  test('the seed is no part of the specification: layers of two seeds share their plan', () => {
    const of = (seed: number) => linear(O(3), { 1: 1 }, { 1: 1 }, { seed, backend: 'reference', expectedBatch: 31 })
    expect(of(1).plan).toBe(of(2).plan)
  })
})
