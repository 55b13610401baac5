import type { Problem } from './problem.js'

/** Of the reference backend, for one product and sum or one element moved. Measured: 10 to 30 ns on every case of the suite. */
const secondsPerStep = 20e-9

/** About how long the reference backend takes for some items, one diagram after the other or by the plan. */
export function referenceSeconds({ plan }: Problem, strategy: 'diagrams' | 'plan', items: number): number {
  const { flops, elements } = plan.costs[strategy]
  return items * (flops / 2 + elements) * secondsPerStep
}
