import { describe, expect, test } from '@jest/globals'
import { tensor } from '../../lib/index.js'
import { decodeHalf, encodeHalf } from '../support/half.js'

// All 65,536 patterns of both formats, against the definitions in test/support/half.ts.
const patterns = Uint16Array.from({ length: 65536 }, (_, bits) => bits)

describe.each(['float16', 'bfloat16'] as const)('%s', (type) => {
  const decoded = tensor(patterns, [65536], type).toNumbers()
  const encode = (values: readonly number[]): number[] => Array.from(tensor(values, [values.length], type).data)
  const check = (values: readonly number[]): void => {
    const received = encode(values)
    const wrong = values.flatMap((value, i) => {
      const wanted = encodeHalf(value, type)
      if (received[i] === wanted) return []
      // Which NaN is left open.
      if (Number.isNaN(value) && Number.isNaN(decodeHalf(received[i] as number, type))) return []
      return [`${value}: expected ${wanted.toString(16)}, received ${received[i]?.toString(16)}`]
    })
    expect(wrong.slice(0, 5)).toEqual([])
  }

  test('every pattern decodes to the number that it is', () => {
    const wrong = decoded.flatMap((value, bits) => (Object.is(value, decodeHalf(bits, type)) ? [] : [bits]))
    expect(wrong).toEqual([])
  })

  test('every number encodes to its pattern, and NaN to a NaN', () => {
    const wrong = encode(decoded).flatMap((bits, i) => {
      const value = decoded[i] as number
      return bits === i || (Number.isNaN(value) && Number.isNaN(decodeHalf(bits, type))) ? [] : [i]
    })
    expect(wrong).toEqual([])
  })

  const finite = decoded.filter((value) => Number.isFinite(value))
  const neighbours = [...new Set(finite)].sort((a, b) => a - b)
  const middles = neighbours.slice(1).map((value, i) => (value + (neighbours[i] as number)) / 2)

  test('ties go to even', () => check(middles))

  test('a float32 step off a tie goes to the nearer number', () => {
    const word = new Uint32Array(1)
    const float = new Float32Array(word.buffer)
    const near = middles.flatMap((value) => {
      float[0] = value
      const at = word[0] as number
      return [-1, 1].map((step) => ((word[0] = at + step), float[0] as number))
    })
    check(near.filter((value) => Number.isFinite(value)))
  })

  test('the least step of a double off a tie goes to the nearer number', () => {
    const least = Math.max(...middles) // a tie of two largest numbers stays finite
    check(
      middles
        .flatMap((value) => [value * (1 - 2 ** -52), value * (1 + 2 ** -52)])
        .filter((value) => Math.abs(value) <= least),
    )
  })

  test('numbers past the largest one, and below the least one', () => {
    const [largest, smallest] = [Math.max(...finite), Math.min(...finite.filter((value) => value > 0))]
    const step = largest - (neighbours.at(-2) as number)
    const values = [
      largest + step / 4,
      largest + step / 2,
      largest + step,
      1e300,
      smallest / 2,
      smallest * 0.51,
      smallest / 4,
      5e-324,
    ]
    check([...values, ...values.map((value) => -value), Infinity, -Infinity, 0, -0, NaN])
  })
})
