import { layerContender } from './layer.js'

export const cpuDiagrams = layerContender('cpu-diagrams', 'C++, the published algorithm: one diagram after the other', {
  backend: 'cpu',
  strategy: 'diagrams',
})
