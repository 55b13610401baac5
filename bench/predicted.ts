import { table } from '../dist/cli/table.js'
import { number } from './report.js'
import type { CaseResult } from './results.js'

/** What the plan predicted beside what was measured, one line for each contender that has a prediction; '' without any. */
export function predictedText({ rows }: CaseResult): string {
  const lines = rows.flatMap(({ contender, predicted, times }) =>
    predicted === undefined || !times
      ? []
      : [[contender, number(predicted), number(times.median), (times.median / predicted).toFixed(2)]],
  )
  if (lines.length === 0) return ''
  return table([['prediction', 'ms', 'measured', 'measured / predicted'], ...lines])
    .split('\n')
    .map((line) => `\n  ${line}`)
    .join('')
}
