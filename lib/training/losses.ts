import { BrauerError } from '../errors.js'
import { mean, multiply, scale, subtract, add, sum } from '../tape/elementwise.js'
import type { Values } from '../tape/layer.js'
import type { Value } from '../tape/value.js'

/** A number that says how far outputs are from what they should be: both are records of values by order. */
export type Loss = (y: Values, target: Values) => Value

/** The mean of the squared differences over all components of all orders. */
export const meanSquaredError: Loss = (y, target) => {
  const parts = Object.entries(y).map(([order, value]) => {
    const apart = subtract(value, target[order]!)
    return multiply(apart, apart)
  })
  if (parts.length === 1) return mean(parts[0]!)
  const size = parts.reduce((total, { size: each }) => total + each, 0)
  if (size === 0)
    throw new BrauerError('invalid-shape', 'meanSquaredError: expected at least one element, received none')
  return scale(add(...parts.map(sum)), 1 / size)
}
