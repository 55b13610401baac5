import { BrauerError, listBackends, tensor } from '../../dist/index.js'
import { inputsOf, layerOf, type Choices, type Problem } from '../problem.js'
import { timeOf, type Contender, type Prepared, type Skip } from './contender.js'

/** A contender that is a layer of this package; `limit` says why a problem is not for it. */
export function layerContender(
  name: string,
  summary: string,
  choices: Choices & { readonly backend: string },
  limit: (problem: Problem) => string | undefined = () => undefined,
): Contender {
  return {
    name,
    summary,
    prepare(problem): Prepared | Skip {
      const backend = listBackends().find((each) => each.name === choices.backend)
      if (!backend?.available) return { skip: backend?.detail ?? `there is no backend ${choices.backend}` }
      const reason = limit(problem)
      return reason === undefined ? prepareLayer(problem, choices) : { skip: reason }
    },
  }
}

function prepareLayer(problem: Problem, choices: Choices): Prepared | Skip {
  const x = inputsOf(problem, 'float32')
  // What a run leaves unwritten then shows as no number.
  const y = problem.outputs.map(({ order, shape, size }) => {
    return [order, tensor(new Float32Array(problem.batch * size).fill(NaN), [problem.batch, ...shape])] as const
  })
  const call = { out: Object.fromEntries(y) }
  try {
    const layer = layerOf(problem, 'float32', choices)
    const predicted = layer.predict(problem.batch)?.milliseconds
    return {
      ...(predicted === undefined ? {} : { predicted }),
      time: timeOf(() => void layer.forwardSync(x, call)),
      output: () => Object.fromEntries(y.map(([order, { data }]) => [order, data])),
    }
  } catch (error) {
    if (error instanceof BrauerError && error.code === 'out-of-memory') return { skip: error.message }
    throw error
  }
}
