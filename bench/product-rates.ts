import { installedBlas, measureProduct } from '../dist/backends/native.js'
import type { BlasRange } from '../dist/backends/binding.js'
import { rangesText } from '../dist/backends/blas.js'
import type { MeasuredBlas } from '../dist/backends/calibration.js'
import { table } from '../dist/cli/table.js'
import { BrauerError } from '../dist/index.js'
import { summarise } from './timing.js'

/** How many times as fast as our kernels a library computes [rows, inner]·[inner, cols]: 0 where it cannot. */
export interface ProductRatio {
  readonly dtype: BlasRange['dtype']
  readonly inner: number
  readonly cols: number
  readonly ratio: number
}

/** What is measured: every pair of sizes, with each number of rows in turn. */
export interface ProductGrid {
  readonly sizes: readonly number[]
  readonly rows: readonly number[]
  /** For each number of rows. */
  readonly rounds: number
}

/** One call of a library, whose operands stay in the nearest caches, and several. */
export const usualGrid: ProductGrid = { sizes: [16, 32, 64, 128, 256, 512], rows: [256, 2048], rounds: 3 }

/** A library is faster where it is so by this factor: noise shall not choose. */
export const clearly = 1.15

/** Measures our kernels and the installed library, one after the other, in several rounds over the grid. Of medians over the rounds, the
 *  least over the numbers of rows counts: a program multiplies any number, and the choice is one for all. A shape in which the library
 *  has lost a round is not measured again. */
export function measureRatios(
  { sizes, rows, rounds }: ProductGrid,
  progress: (text: string) => void = () => undefined,
): ProductRatio[] {
  const tracks = (['float32', 'float64'] as const).flatMap((dtype) =>
    sizes.flatMap((inner) => sizes.map((cols) => ({ dtype, inner, cols, ratios: rows.map(() => [] as number[]) }))),
  )
  for (let round = 0; round < rounds * rows.length; round++) {
    const which = round % rows.length
    const open = tracks.filter(({ ratios }) => ratios.flat().every((ratio) => ratio > 1))
    for (const [at, { dtype, inner, cols, ratios }] of open.entries()) {
      progress(`calibrating: product ${at + 1} of ${open.length}, round ${round + 1} of ${rounds * rows.length}`)
      ratios[which]!.push(ratioOf(dtype, rows[which]!, inner, cols, round % 2 === 0))
    }
  }
  return tracks.map(({ ratios, ...shape }) => {
    const medians = ratios.filter((each) => each.length > 0).map((each) => summarise(each).median)
    return { ...shape, ratio: Math.min(...medians) }
  })
}

function ratioOf(dtype: BlasRange['dtype'], rows: number, inner: number, cols: number, ownFirst: boolean): number {
  const rate = (by: 'own' | 'blas'): number => measureProduct(by, dtype, rows, inner, cols)
  try {
    if (ownFirst) return 1 / (rate('own') / rate('blas'))
    return rate('blas') / rate('own')
  } catch (error) {
    // It computes rows of this shape in different ways, and would not be used.
    if (error instanceof BrauerError && error.code === 'invalid-argument') return 0
    throw error
  }
}

/** The products that the library takes: those between measured ones for all of which it is clearly faster. As few ranges as hold them:
 *  every rectangle of the grid that is faster throughout and part of no larger one. */
export function fasterRanges(ratios: readonly ProductRatio[]): BlasRange[] {
  return (['float32', 'float64'] as const).flatMap((dtype) => {
    const ofDtype = ratios.filter((each) => each.dtype === dtype)
    const slower = ofDtype.filter(({ ratio }) => !(ratio >= clearly))
    const spans = (of: 'inner' | 'cols'): (readonly [number, number])[] => {
      const sizes = [...new Set(ofDtype.map((each) => each[of]))].toSorted((a, b) => a - b)
      return sizes.flatMap((least, at) => sizes.slice(at).map((most) => [least, most] as const))
    }
    const within = (value: number, [least, most]: readonly [number, number]): boolean => least <= value && value <= most
    const good = spans('inner')
      .flatMap((inner) => spans('cols').map((cols) => ({ dtype, inner, cols })))
      .filter(({ inner, cols }) => !slower.some((each) => within(each.inner, inner) && within(each.cols, cols)))
    const contains = (a: BlasRange, b: BlasRange): boolean =>
      (['inner', 'cols'] as const).every((of) => b[of].every((size) => within(size, a[of])))
    return good.filter((range) => !good.some((other) => other !== range && contains(other, range)))
  })
}

/** Where the installed library is faster on this processor; undefined where there is none. */
export function measureBlas(
  processor: string,
  grid: ProductGrid,
  progress?: (text: string) => void,
): { readonly measured: MeasuredBlas; readonly ratios: readonly ProductRatio[] } | undefined {
  const library = installedBlas()
  if (library === undefined) return undefined
  const ratios = measureRatios(grid, progress)
  return { measured: { library, processor, faster: fasterRanges(ratios) }, ratios }
}

/** How fast the library is beside our kernels, and what it is used for. */
export function ratiosText({ library, faster }: MeasuredBlas, ratios: readonly ProductRatio[]): string {
  const columns = [...new Set(ratios.map(({ cols }) => cols))]
  const lines = [...new Set(ratios.map(({ dtype, inner }) => `${dtype} ${inner}`))]
  const cells = lines.map((line) => [
    line,
    ...ratios.filter(({ dtype, inner }) => `${dtype} ${inner}` === line).map(({ ratio }) => ratio.toFixed(2)),
  ])
  return [
    `How many times as fast as our kernels ${library} is on one thread, by inner size (down) and columns (across)`,
    table([['', ...columns.map(String)], ...cells]),
    `BRAUER_BLAS=auto uses it where it is ${clearly} times as fast or more: ${rangesText(faster) || 'nowhere'}`,
  ].join('\n')
}
