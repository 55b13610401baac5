import type { Dtype } from './dtype.js'

// Bits of the 16-bit formats, rounded to nearest even, NaN kept. The wide value passes through one shared cell.
const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** The float32 bits of a number rounded to odd: cut towards zero, the last bit set where something was cut. A second rounding
 *  to fewer bits then gives what one rounding of the number itself would. */
function bitsOf(value: number): number {
  float[0] = value
  const rounded = float[0]!
  if (rounded === value || Number.isNaN(value)) return bits[0]!
  return Math.abs(rounded) > Math.abs(value) ? (bits[0]! - 1) | 1 : bits[0]! | 1
}

export function toBfloat16(value: number): number {
  const word = bitsOf(value)
  if (Number.isNaN(value)) return (word >>> 16) | 0x40
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff
}

export function fromBfloat16(half: number): number {
  bits[0] = half << 16
  return float[0]!
}

export function toFloat16(value: number): number {
  const word = bitsOf(value)
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x1ff)
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // rounds to infinity
  if (magnitude < 0x38800000) {
    // Subnormal: the significand in units of 2^-24; the addition rounds to nearest even.
    bits[0] = magnitude
    float[0] = float[0]! + 0.5
    return sign | (bits[0]! - 0x3f000000)
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

export function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >>> 10) & 31
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Reads stored elements as numbers. */
export function decoder(dtype: Dtype): (stored: number) => number {
  return dtype === 'float16' ? fromFloat16 : dtype === 'bfloat16' ? fromBfloat16 : (value) => value
}

/** Turns numbers into stored elements. */
export function encoder(dtype: Dtype): (value: number) => number {
  return dtype === 'float16' ? toFloat16 : dtype === 'bfloat16' ? toBfloat16 : (value) => value
}
