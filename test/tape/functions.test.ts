import { describe, expect, test } from '@jest/globals'
import { contract, scalar } from '../../lib/tape/contract.js'
import { joinChannels, takeChannels } from '../../lib/tape/channels.js'
import { apply, mean } from '../../lib/tape/elementwise.js'
import type { FunctionName } from '../../lib/tape/form.js'
import { gradients } from '../../lib/tape/gradient.js'
import { constant, evaluateSync, input, type Value } from '../../lib/tape/value.js'

const at = (value: Value, x: Value, data: readonly number[]): number[] =>
  Array.from(evaluateSync([value], new Map([[x, Float64Array.from(data)]]))[0]!)

describe('functions of one number', () => {
  const cases: [FunctionName, (x: number) => number, number[]][] = [
    ['exp', Math.exp, [-1, 0.3, 2]],
    ['log', Math.log, [0.2, 1, 3]],
    ['sin', Math.sin, [-1, 0.3, 2]],
    ['cos', Math.cos, [-1, 0.3, 2]],
    ['tanh', Math.tanh, [-1, 0.3, 2]],
    ['sigmoid', (x) => 1 / (1 + Math.exp(-x)), [-30, 0.3, 20]],
    ['softplus', (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0), [-40, 0, 3]],
    ['relu', (x) => Math.max(x, 0), [-1, 0.3, 2]],
    ['step', (x) => Number(x > 0), [-1, 0.3, 2]],
    ['sqrt', Math.sqrt, [0.2, 1, 3]],
    ['reciprocal', (x) => 1 / x, [-0.5, 1, 3]],
  ]
  test.each(cases)('%s, and three derivatives', (name, of, points) => {
    const x = input([points.length], 'float64')
    let value = apply(name, x)
    expect(at(value, x, points)).toEqual(points.map(of))
    for (let order = 0; order < 3; order++) {
      const h = 1e-4
      const before = value
      const quotient = points.map((_, i) => {
        const move = (by: number): number =>
          at(
            before,
            x,
            points.map((each, j) => each + (i === j ? by : 0)),
          )[i]!
        return (8 * (move(h) - move(-h)) - (move(2 * h) - move(-2 * h))) / (12 * h)
      })
      value = gradients(mean(value), [x], scalar(points.length, 'float64'))[0]!
      at(value, x, points).forEach((each, i) =>
        expect(Math.abs(each - quotient[i]!)).toBeLessThan(1e-7 * (1 + Math.abs(each))),
      )
    }
  })

  test('the normal distribution function, to the last digits', () => {
    const x = input([9], 'float64')
    const points = [-30, -10, -3.5, -2, 0, 0.5, 2.999, 3.001, 9]
    // Of an erfc that is no part of this.
    const wanted = [
      4.906713927148187e-198, 7.61985302416053e-24, 0.000232629079035525, 0.0227501319481792, 0.5, 0.691462461274013,
      0.9986456634662729, 0.998654527174915, 1,
    ]
    // To an absolute error near zero, where it is a half and something, and to a relative one in the tails.
    at(apply('normal', x), x, points).forEach((each, i) => {
      const allowed = Math.abs(points[i]!) < 3 ? 2.3e-16 : 5e-15 * wanted[i]!
      expect(Math.abs(each - wanted[i]!)).toBeLessThanOrEqual(allowed)
    })
    const density = gradients(mean(apply('normal', x)), [x], scalar(9, 'float64'))[0]!
    at(density, x, points).forEach((each, i) =>
      expect(Math.abs(each - Math.exp(-(points[i]! ** 2) / 2) / Math.sqrt(2 * Math.PI))).toBeLessThan(1e-16),
    )
  })

  test('what is no number stays none', () => {
    const x = input([1], 'float64')
    for (const name of ['relu', 'normal', 'sigmoid', 'softplus'] as const)
      expect(at(apply(name, x), x, [NaN])).toEqual([NaN])
  })
})

describe('products over loops', () => {
  test('a matrix product, a signed one from an offset, and nothing', () => {
    const a = constant(Float64Array.from([1, 2, 3, 4, 5, 6]), [2, 3])
    const b = constant(Float64Array.from([1, -1, 2, 0, 1, 1]), [3, 2])
    const loops = [{ extent: 2, out: 2, a: 3, b: 0 }, { extent: 2, out: 1, a: 0, b: 1 }, { extent: 3, out: 0, a: 1, b: 2 }] // prettier-ignore
    expect(Array.from(evaluateSync([contract(a, b, [2, 2], { loops })], new Map())[0]!)).toEqual([8, 2, 20, 2])
    const signed = { loops: [{ extent: 3, out: 1, a: -1, b: 2, alternate: true }], outBase: 1, aBase: 2, bBase: 1 }
    expect(Array.from(evaluateSync([contract(a, b, [4], signed)], new Map())[0]!)).toEqual([0, -3, 0, 1])
    const none = contract(a, b, [0], { loops: [{ extent: 0, out: 1, a: 1, b: 1 }] })
    expect(Array.from(evaluateSync([none], new Map())[0]!)).toEqual([])
  })

  test('channels taken apart and put together', () => {
    const x = constant(Float64Array.from([1, 2, 3, 4, 5, 6]), [2, 3])
    const join = joinChannels([takeChannels(x, 2, 1), 1, takeChannels(x, 0, 2)])
    expect([join.shape, Array.from(evaluateSync([join], new Map())[0]!)]).toEqual([
      [2, 4],
      [3, 0, 1, 2, 6, 0, 4, 5],
    ])
  })
})

test('an input that nobody gave', () => {
  expect(() => evaluateSync([apply('exp', input([2, 3], 'float64'))], new Map())).toThrow(
    'evaluate: expected all inputs, received none of shape [2, 3]',
  )
  expect(() => mean(constant(new Float64Array(), [0]))).toThrow('mean: expected at least one element')
})
