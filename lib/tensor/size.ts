import { expected, show } from '../errors.js'

/** The product of sizes, exact or an error. @throws BrauerError `size-overflow` past 2^53 */
export function product(sizes: readonly number[], where: string): number {
  // A zero makes the product zero, however large the other factors: multiplied out in order they could pass every number first.
  if (sizes.includes(0)) return 0
  let result = 1
  for (const size of sizes) result *= size
  if (!(result <= Number.MAX_SAFE_INTEGER)) throw expected('size-overflow', where, 'a size below 2^53', show(sizes))
  return result
}
