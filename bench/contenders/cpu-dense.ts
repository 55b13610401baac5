import { bytesText } from '../../dist/cli/table.js'
import type { Problem } from '../problem.js'
import { layerContender } from './layer.js'

const mostBytes = 2 ** 30

export const cpuDense = layerContender(
  'cpu-dense',
  `C++, the product with the dense matrix, where that has at most ${bytesText(mostBytes)}`,
  { backend: 'cpu', strategy: 'dense' },
  (problem) => {
    const bytes = matrixBytes(problem)
    return bytes > mostBytes ? `its matrix would have ${bytesText(bytes)}` : undefined
  },
)

/** Of the matrices of all pairs of orders that have diagrams. */
export function matrixBytes({ inputs, outputs, parameters }: Problem): number {
  let elements = 0
  for (const input of inputs) {
    for (const output of outputs) {
      if (parameters[`weight.${input.order}.${output.order}`]) elements += input.size * output.size
    }
  }
  return 4 * elements
}
