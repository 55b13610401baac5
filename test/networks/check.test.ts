import { describe, expect, test } from '@jest/globals'
import {
  check,
  linear,
  Network,
  norms,
  O,
  product,
  S,
  sequential,
  SO,
  Sp,
  type Tensor,
  tensor,
} from '../../lib/index.js'
import { apply } from '../../lib/tape/elementwise.js'
import { record, type Value } from '../../lib/tape/value.js'

type Checkable = Parameters<typeof check>[0]

describe('every layer passes', () => {
  test.each<[string, Checkable]>([
    ['S, mean', linear(S(5), { 0: 1, 1: 2, 2: 1 }, { 0: 2, 1: 1, 2: 2 }, { bias: true, normalize: 'mean' })],
    ['O, float16', linear(O(4), { 1: 2, 2: 1 }, { 1: 1, 2: 2 }, { bias: true, dtype: 'float16' })],
    [
      'SO, channels-first',
      linear(SO(3), { 1: 2, 2: 1 }, { 1: 1, 2: 2 }, { dtype: 'float64', layout: 'channels-first' }),
    ],
    ['Sp', linear(Sp(4), { 1: 2, 3: 1 }, { 1: 1, 2: 3, 3: 1 }, { bias: true })],
    ['a product', linear(product(S(4), O(3)), { ab: 2, '': 1 }, { b: 1, aa: 2, '': 1 }, { bias: true })],
    ['no diagrams at all', linear(O(3), { 1: 1 }, { 2: 1 })],
  ])('%s', (_, layer) => {
    const rows = check(layer, { trials: 3, seed: 7 })
    expect(rows).toHaveLength(Object.keys(layer.output).length + 2)
    for (const row of rows) expect(row).toMatchObject({ holds: true })
    expect(Math.max(...rows.map((row) => row.error))).toBeLessThan(1e-13)
  })
})

/** A float64 layer with one of its maps replaced. */
function spoilt(change: (layer: ReturnType<typeof make>) => object): Checkable {
  const layer = make()
  const { group, input, output, options, backend, parameters } = layer
  return {
    group,
    input,
    output,
    options,
    backend,
    parameters,
    forwardSync: (x: never) => layer.forwardSync(x),
    inputGradientSync: (g: never) => layer.inputGradientSync(g),
    weightGradientSync: (x: never, g: never) => layer.weightGradientSync(x, g),
    ...change(layer),
  } as unknown as Checkable
}
const make = () => linear(O(3), { 1: 2, 2: 1 }, { 1: 1, 2: 2 }, { dtype: 'float64', bias: true })

const scaled = (values: object, factor: number): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(values as Record<string, Tensor>).map(([name, value]) => [
      name,
      tensor(
        value.toNumbers().map((number) => number * factor),
        value.shape,
        'float64',
      ),
    ]),
  )

describe('a layer that is wrong fails, and the row says where', () => {
  const failing = (layer: Checkable): number[] => {
    const rows = check(layer, { trials: 2 })
    return rows.flatMap((row, i) => (row.holds ? [] : [i]))
  }

  test('nothing is wrong', () => {
    expect(failing(spoilt(() => ({})))).toEqual([])
  })

  test('one output order is not equivariant', () => {
    // The first component of every vector has grown: no rotation commutes with that.
    const wrong = spoilt((layer) => ({
      forwardSync: (x: never) => {
        const y = layer.forwardSync(x)
        y[1].data[0]! *= 1.001
        return y
      },
    }))
    expect(failing(wrong)).toContain(0)
    expect(failing(wrong)).not.toContain(1)
  })

  test('the input gradient is off by a factor', () => {
    const wrong = spoilt((layer) => ({ inputGradientSync: (g: never) => scaled(layer.inputGradientSync(g), 1.001) }))
    expect(failing(wrong)).toEqual([2])
  })

  test('the weight gradient is off by a factor', () => {
    const wrong = spoilt((layer) => ({
      weightGradientSync: (x: never, g: never) => scaled(layer.weightGradientSync(x, g), 1.001),
    }))
    expect(failing(wrong)).toEqual([3])
  })

  test('a gradient misses a parameter', () => {
    const wrong = spoilt((layer) => ({
      weightGradientSync: (x: never, g: never) => {
        const { 'bias.2': _, ...rest } = layer.weightGradientSync(x, g)
        return rest
      },
    }))
    expect(failing(wrong)).toEqual([3])
  })

  test('NaN fails', () => {
    const wrong = spoilt((layer) => ({ forwardSync: (x: never) => scaled(layer.forwardSync(x), NaN) }))
    expect(failing(wrong)).toEqual([0, 1, 2, 3])
  })
})

describe('options', () => {
  test('a trial more is a superset, another seed other numbers', () => {
    const layer = make()
    const errors = (options: object): number[] => check(layer, options).map((row) => row.error)
    expect(errors({ trials: 2, seed: 1 })).toEqual(errors({ trials: 2, seed: 1 }))
    expect(errors({ trials: 2, seed: 1 })).not.toEqual(errors({ trials: 2, seed: 9 }))
    const [few, many] = [errors({ trials: 2 }), errors({ trials: 6 })]
    expect(many).not.toEqual(few)
    few.forEach((error, i) => expect(many[i]).toBeGreaterThanOrEqual(error))
  })

  test('trials are reported, the tolerance decides', () => {
    const done: number[] = []
    const rows = check(make(), { trials: 3, tolerance: 0, onTrial: (count) => done.push(count) })
    expect(done).toEqual([1, 2, 3])
    expect(rows.some((row) => !row.holds)).toBe(true)
  })

  test.each([
    [{ trials: 0 }, 'check: trials: expected an integer of at least 1, received 0'],
    [{ seed: 0.5 }, 'check: seed: expected an integer, received 0.5'],
    [{ tolerance: NaN }, 'check: tolerance: expected a number of at least 0, received NaN'],
  ])('%j is refused', (options, message) => {
    expect(() => check(make(), options)).toThrow(message)
  })
})

describe('networks', () => {
  test('in float32 are checked through a copy in float64', () => {
    const network = sequential(linear(O(3), { 1: 2 }, { 1: 3 }), norms(O(3), { 1: 3 }))
    const rows = check(network, { trials: 2 })
    expect(rows.map(({ name, holds }) => [name.slice(0, 5), holds])).toEqual([
      ['f(gx)', true],
      ['⟨df, ', true],
      ['df = ', true],
    ])
    expect(rows[0]!.error).toBeLessThan(1e-13)
  })

  test('what is no equivariant map fails, and what is no derivative', () => {
    const components = (apply_: (x: Value) => Value) =>
      new Network({ specification: { kind: 'made up' }, group: O(3), input: { 1: 1 }, output: { 1: 1 }, dtype: 'float64', apply: (x) => ({ 1: apply_(x['1']!) }) }) // prettier-ignore
    const holds = (network: Network) => check(network, { trials: 2 }).map((row) => row.holds)
    expect(holds(components((x) => apply('tanh', x)))).toEqual([false, true, true])
    const twice = (value: Value): Value =>
      record(
        { form: { kind: 'named', name: 'twice' }, run: ([data]) => [data!.map((x) => 2 * x)], adjoint: ([g]) => [g] },
        [value],
        [value.shape],
      )[0]!
    expect(holds(components(twice))).toEqual([true, true, false])
  })
})
