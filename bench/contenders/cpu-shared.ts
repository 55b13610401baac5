import { layerContender } from './layer.js'

export const cpuShared = layerContender('cpu-shared', 'C++, equal downs and ups once, one channel product per class', {
  backend: 'cpu',
  strategy: 'shared',
})
