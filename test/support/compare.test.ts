import { expect, test } from '@jest/globals'
import { expectClose, expectRecordsClose, relativeError } from './compare.js'
import * as dense from './layer.js'
import { Random } from './group-elements.js'

test('the relative error is of the norm, absolute where nothing is wanted, NaN where there is one', () => {
  expect(relativeError([3, 4], [0, 0])).toBe(5)
  expect(relativeError([3, 5], [3, 4])).toBe(0.2)
  expect(relativeError([], [])).toBe(0)
  expect(relativeError([NaN, 1], [0, 1])).toBeNaN()
})

test('what is not close throws: too far, NaN, infinite, another length, another name', () => {
  expectClose([1 + 1e-13], [1], 1e-12, 'near')
  for (const received of [[1 + 1e-11], [NaN], [Infinity], [], [1, 1]]) {
    expect(() => expectClose(received, [1], 1e-12, 'far')).toThrow('far')
    expect(() => expectRecordsClose({ a: received }, { a: [1] }, 1e-12, 'far')).toThrow('far')
    expect(() => expectRecordsClose({ a: received }, { a: [1] }, 1e-12, 'far', () => 1)).toThrow('far')
  }
  expect(() => expectRecordsClose({ b: [1] }, { a: [1] }, 1, 'names')).toThrow('names')
  expect(() => expectRecordsClose({}, { a: [] }, 1, 'names')).toThrow('names')
})

test('a result that cancels is judged by its usual norm, and only then', () => {
  expectRecordsClose({ a: [1e-9] }, { a: [2e-9] }, 1e-6, 'cancelled', () => 1)
  expect(() => expectRecordsClose({ a: [1e-5] }, { a: [2e-9] }, 1e-6, 'far', () => 1)).toThrow('far')
})

test('the usual norm is the mean over random signs', () => {
  const spec = { group: 'S', n: 2, input: { 1: 2, 2: 1 }, output: { 1: 1 }, normalize: 'mean', bias: true } as const
  const random = new Random(1)
  const parameters = dense.drawParameters(spec, () => random.normal())
  const x = { 1: random.normals(4), 2: random.normals(4) }
  const squares = dense.forward(
    { ...spec, squared: true },
    dense.squareParameters(parameters),
    dense.squareValues(x),
    1,
  )
  const draws = 20_000
  let mean = 0
  for (let draw = 0; draw < draws; draw++) {
    const sign = (values: Float64Array): Float64Array => values.map((value) => (random.integer(2) ? value : -value))
    const signed = Object.entries(parameters).map(
      ([name, { shape, data }]) => [name, { shape, data: sign(data) }] as const,
    )
    const y = dense.forward(spec, Object.fromEntries(signed), { 1: sign(x[1]), 2: sign(x[2]) }, 1)
    mean += Math.hypot(...(y[1] as Float64Array)) ** 2 / draws
  }
  expect(Math.abs(dense.typicalNorm(squares) ** 2 / mean - 1)).toBeLessThan(0.05)
})
