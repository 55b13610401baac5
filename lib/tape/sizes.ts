import type { Values } from './layer.js'
import { fresh, record, type Rule, type Value } from './value.js'

// What depends on the n of an item where items of one call differ in it (`sizes` of a call). They lie in the corners of values
// [batch, n, …, n, C].

/** A value without what lies around its items. */
function corner(value: Value): Value {
  const indices = value.shape.length - 2
  if (indices === 0) return value
  const strides = value.shape.map((_, axis) => value.shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const rule: Rule = {
    form: { kind: 'combine', scales: [1] },
    run: ([data], { sizes }) => {
      if (!sizes) return [data!.slice()]
      const out = fresh(value.dtype, value.size).fill(0)
      sizes.forEach((n, item) => {
        const copy = (axis: number, at: number): void => {
          const stride = strides[axis]!
          if (axis === indices) out.set(data!.subarray(at, at + n * stride), at)
          else for (let i = 0; i < n; i++) copy(axis + 1, at + i * stride)
        }
        copy(1, item * strides[0]!)
      })
      return [out]
    },
    adjoint: ([g]) => [corner(g!)],
  }
  return record(rule, [value], [value.shape])[0]!
}

export const corners = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, corner(value)]))

/** Sums over indices of these extents, a row for each item, as means. */
export function perPoint(value: Value, extents: readonly number[]): Value {
  const points = extents.reduce((a, b) => a * b, 1)
  const rule: Rule = {
    form: { kind: 'combine', scales: [1 / points] },
    run: ([data], { sizes }) => {
      const out = fresh(value.dtype, value.size)
      const row = value.size / value.shape[0]!
      const factors = sizes?.map((n) => 1 / n ** extents.length)
      for (let i = 0; i < out.length; i++) out[i] = (factors?.[Math.floor(i / row)] ?? 1 / points) * data![i]!
      return [out]
    },
    adjoint: ([g]) => [perPoint(g!, extents)],
  }
  return record(rule, [value], [value.shape])[0]!
}
