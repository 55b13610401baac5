import { BrauerError } from '../errors.js'
import { add, apply, multiply, scale, subtract, sum } from '../tape/elementwise.js'
import type { Values } from '../tape/layer.js'
import type { Value } from '../tape/value.js'

/** A number that says how far outputs are from what they should be: both are records of values by order. */
export type Loss = (y: Values, target: Values) => Value

/** The mean of the squared differences over all components of all orders. */
export const meanSquaredError: Loss = (y, target) =>
  average('meanSquaredError', y, target, (value, wanted) => {
    const apart = subtract(value, wanted)
    return multiply(apart, apart)
  })

/** For targets between 0 and 1 and outputs y that stand for the probabilities 1/(1 + e⁻ʸ): the mean of −log of what is given to the target,
 *  log(1 + eʸ) − target·y, over all components of all orders. */
export const binaryCrossEntropy: Loss = (y, target) =>
  average('binaryCrossEntropy', y, target, (value, wanted) =>
    subtract(apply('softplus', value), multiply(wanted, value)),
  )

/** The mean of a function of outputs and targets. */
function average(name: string, y: Values, target: Values, of: (value: Value, wanted: Value) => Value): Value {
  const parts = Object.entries(y).map(([order, value]) => of(value, target[order]!))
  const size = parts.reduce((total, { size: each }) => total + each, 0)
  if (size === 0) throw new BrauerError('invalid-shape', `${name}: expected at least one element, received none`)
  return scale(add(...parts.map(sum)), 1 / size)
}
