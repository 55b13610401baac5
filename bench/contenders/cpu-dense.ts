import { bytesText } from '../../dist/cli/table.js'
import { mostBytes, tooDense } from './dense.js'
import { layerContender } from './layer.js'

export const cpuDense = layerContender(
  'cpu-dense',
  `C++, the product with the dense matrix, where that has at most ${bytesText(mostBytes)}`,
  { backend: 'cpu', strategy: 'dense' },
  tooDense,
)
