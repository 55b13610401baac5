import { layerContender } from './layer.js'

export const cpuFourier = layerContender(
  'cpu-fourier',
  'C++, shared, with the transform over the strands in every class',
  {
    backend: 'cpu',
    strategy: 'fourier',
  },
)
