import { dtypes } from '../tensor/dtype.js'
import type { BlasInfo, BlasRange } from './binding.js'

/** Whether a value read from a file is a range of products. */
export function isBlasRange({ dtype, inner, cols }: BlasRange): boolean {
  // The addon takes no larger sizes.
  const isSizes = ([least, most, ...rest]: readonly number[]): boolean =>
    rest.length === 0 && [least, most].every(Number.isInteger) && 0 < least! && least! <= most! && most! <= 2 ** 31
  return ['float32', 'float64'].includes(dtype) && isSizes(inner) && isSizes(cols)
}

/** As the addon takes them: the dtype, the sizes of `inner` and those of `cols`, range after range. */
export function encodeRanges(ranges: readonly BlasRange[]): Float64Array {
  return Float64Array.from(ranges.flatMap(({ dtype, inner, cols }) => [dtypes.indexOf(dtype), ...inner, ...cols]))
}

/** The products of some ranges, as in `float32 16-64×16`. */
export function rangesText(ranges: readonly BlasRange[]): string {
  const sizes = ([least, most]: readonly [number, number]): string => (least === most ? `${least}` : `${least}-${most}`)
  return ranges.map(({ dtype, inner, cols }) => `${dtype} ${sizes(inner)}×${sizes(cols)}`).join(', ')
}

/** The library in use and its products: part of a backend's device, as bits depend on it. '' for none. */
export function blasText({ library = '', faster }: BlasInfo): string {
  return faster ? `${library} for ${rangesText(faster)}` : library
}
