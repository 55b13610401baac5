/** float16 and bfloat16 by their definitions: a value is decoded from its fields, and encoded by searching the nearest one. */

export type HalfType = 'float16' | 'bfloat16'

interface Format {
  readonly exponentBits: number
  readonly fractionBits: number
}

const FORMATS: Record<HalfType, Format> = {
  float16: { exponentBits: 5, fractionBits: 10 },
  bfloat16: { exponentBits: 8, fractionBits: 7 },
}

/** Half the distance from 1 to the next number: the relative error of one rounding. */
export const unitRoundoff = (type: HalfType): number => 2 ** -(FORMATS[type].fractionBits + 1)

/** Half the least subnormal number: the absolute error of one rounding near zero. */
export function leastRoundoff(type: HalfType): number {
  const { exponentBits, fractionBits } = FORMATS[type]
  return 2 ** (2 - 2 ** (exponentBits - 1) - fractionBits - 1)
}

export function decodeHalf(bits: number, type: HalfType): number {
  const { exponentBits, fractionBits } = FORMATS[type]
  const sign = bits >> 15 ? -1 : 1
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1)
  const fraction = bits & (2 ** fractionBits - 1)
  const bias = 2 ** (exponentBits - 1) - 1
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits)
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits)
}

/** Nearest, ties to even, by bisection: the non-negative bit patterns are ordered as their values are. */
export function encodeHalf(value: number, type: HalfType): number {
  const { exponentBits, fractionBits } = FORMATS[type]
  const infinity = (2 ** exponentBits - 1) << fractionBits
  if (Number.isNaN(value)) return infinity | (1 << (fractionBits - 1))
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  let [low, high] = [0, infinity] // decode(low) <= size < what comes after high
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (decodeHalf(middle, type) <= size) low = middle
    else high = middle
  }
  if (size === Infinity) return sign | infinity
  // The number past the largest finite one is taken as the next power of two for the question of which is nearer.
  const after = high === infinity ? 2 ** (2 ** (exponentBits - 1)) : decodeHalf(high, type)
  const before = decodeHalf(low, type)
  const up = size - before > after - size || (size - before === after - size && low % 2 === 1)
  return sign | (up ? high : low)
}

export const encodeAll = (values: ArrayLike<number>, type: HalfType): Uint16Array =>
  Uint16Array.from(Array.from(values), (value) => encodeHalf(value, type))

export const decodeAll = (bits: ArrayLike<number>, type: HalfType): Float64Array =>
  Float64Array.from(Array.from(bits), (value) => decodeHalf(value, type))
