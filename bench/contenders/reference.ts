import { referenceSeconds } from '../affordable.js'
import { layerContender } from './layer.js'

const mostSeconds = 0.5

export const reference = layerContender(
  'reference',
  'plain TypeScript, the definition of every program; small cases only',
  { backend: 'reference' },
  (problem) => {
    const seconds = referenceSeconds(problem, 'plan', problem.batch)
    return seconds > mostSeconds ? `a run would take about ${seconds.toPrecision(2)} s` : undefined
  },
)
