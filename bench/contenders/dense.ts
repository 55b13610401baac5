import { bytesText } from '../../dist/cli/table.js'
import type { Problem } from '../problem.js'

/** A dense contender takes part where its matrix has at most this many bytes. */
export const mostBytes = 2 ** 30

/** Why a problem is not for a dense contender. */
export function tooDense({ inputs, outputs, parameters }: Problem): string | undefined {
  let elements = 0
  // The matrices of all pairs of orders that have diagrams.
  for (const input of inputs) {
    for (const output of outputs) {
      if (parameters[`weight.${input.order}.${output.order}`]) elements += input.size * output.size
    }
  }
  return 4 * elements > mostBytes ? `its matrix would have ${bytesText(4 * elements)}` : undefined
}
