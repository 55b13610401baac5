import { layerContender } from './layer.js'

export const cpu = layerContender('cpu', 'the C++ executor, the strategy chosen by the planner', { backend: 'cpu' })
