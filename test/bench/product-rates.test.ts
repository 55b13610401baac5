/** Which products an installed BLAS takes, from made-up measurements. */
import { expect, test } from '@jest/globals'
import { fasterRanges, ratiosText, type ProductRatio } from '../../bench/product-rates.js'

const sizes = [16, 64, 256]

/** Ratios by inner size (down) and columns (across). */
const ratiosOf = (rows: readonly (readonly number[])[], dtype: ProductRatio['dtype'] = 'float32'): ProductRatio[] =>
  rows.flatMap((row, i) => row.map((ratio, j) => ({ dtype, inner: sizes[i]!, cols: sizes[j]!, ratio })))
const [yes, no] = [1.2, 1.1]

test.each<[string, number[][], [[number, number], [number, number]][]]>([
  ['nowhere', [[no, no, no], [no, no, no], [no, no, no]], []],
  ['everywhere', [[yes, yes, yes], [yes, yes, yes], [yes, yes, yes]], [[[16, 256], [16, 256]]]],
  ['at one shape alone', [[no, no, no], [no, no, yes], [no, no, no]], [[[64, 64], [256, 256]]]],
  ['between two shapes', [[yes, no, no], [yes, no, no], [no, no, no]], [[[16, 64], [16, 16]]]],
  [
    'not between shapes of which one is slower',
    [[yes, yes, no], [yes, no, no], [no, no, yes]],
    [[[16, 16], [16, 64]], [[16, 64], [16, 16]], [[256, 256], [256, 256]]],
  ],
  [
    'in overlapping ranges',
    [[yes, yes, yes], [no, yes, yes], [no, no, yes]],
    [[[16, 16], [16, 256]], [[16, 64], [64, 256]], [[16, 256], [256, 256]]],
  ],
])('is faster %s', (_, rows, ranges) => {
  expect(fasterRanges(ratiosOf(rows))).toEqual(ranges.map(([inner, cols]) => ({ dtype: 'float32', inner, cols })))
}) // prettier-ignore

test('goes by dtype, takes a ratio of 1.15, and none that is no number', () => {
  const wide = ratiosOf([[1.15, 1.1499, NaN]], 'float64')
  expect(fasterRanges([...ratiosOf([[no, no, yes]]), ...wide])).toEqual([
    { dtype: 'float32', inner: [16, 16], cols: [256, 256] },
    { dtype: 'float64', inner: [16, 16], cols: [16, 16] },
  ])
})

test('is told as a table and as ranges', () => {
  const ratios = ratiosOf([[yes, no]])
  const text = ratiosText({ library: 'libfast', processor: '', faster: fasterRanges(ratios) }, ratios)
  expect(text).toMatch(/^float32 16 +1\.20 +1\.10$/m)
  expect(text).toMatch(/libfast is on one thread.*\n[^]*or more: float32 16×16$/)
  expect(ratiosText({ library: 'libslow', processor: '', faster: [] }, ratios)).toMatch(/or more: nowhere$/)
})
