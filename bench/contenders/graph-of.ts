import type { Problem } from '../problem.js'
import { lower } from './steps/lower.js'
import { sharedProgram } from './steps/shared.js'
import type { Graph } from './steps/graph.js'

/** A problem shared by hand, as plain operations for its batch. Inputs are named x and their order, outputs y and theirs. */
export function graphOf(problem: Problem, matrixEntries: number): Graph {
  const { plan, inputs, batch } = problem
  const named = plan.bottom.tensors.map(({ extents, channels }, i) => ({
    name: `x${inputs[i]!.order}`,
    extents,
    channels,
  }))
  return lower(sharedProgram(problem), batch, named, matrixEntries)
}
