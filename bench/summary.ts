import { table } from '../dist/cli/table.js'
import { outsideContenders } from './contenders/index.js'
import { number } from './report.js'
import type { CaseResult, Row } from './results.js'

/** How the other contenders did against the first one, over all cases that both were timed on; '' where there is nothing to say. */
export function summaryText(cases: readonly CaseResult[]): string {
  const names = [...new Set(cases.flatMap(({ rows }) => rows.map(({ contender }) => contender)))]
  const [first, ...others] = names
  if (first === undefined || cases.length < 2) return ''
  const outside = others.filter((name) => outsideContenders.some((each) => each.name === name))
  const best = outside.length > 1 ? [{ title: 'the best outside one', of: outside }] : []
  const rows = [...others.map((name) => ({ title: name, of: [name] })), ...best].flatMap(({ title, of }) => {
    const ratios = cases.flatMap(({ case: { name }, rows: all }) => {
      const a = median(all, first)
      const b = Math.min(...of.map((contender) => median(all, contender) ?? Infinity))
      return a && b < Infinity ? [{ name, ratio: b / a }] : []
    })
    if (ratios.length === 0) return []
    const faster = ratios.filter(({ ratio }) => ratio < 1).map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`)
    const mean = Math.exp(ratios.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / ratios.length)
    return [[title, `${number(mean)}`, String(ratios.length), faster.join(', ') || 'nowhere']]
  })
  return table([[`time over that of ${first}`, 'geometric mean', 'cases', 'less on'], ...rows])
}

function median(rows: readonly Row[], contender: string): number | undefined {
  return rows.find((row) => row.contender === contender)?.times?.median
}
