import { table } from '../dist/cli/table.js'
import type { Change, Comparison } from './compare.js'
import { number } from './report.js'

/** A comparison as text: a row for each case and contender, then what is to be known. */
export function compareText({ rows, warnings, missing }: Comparison): string {
  const body = rows.map((row) => [
    row.case,
    row.contender,
    number(row.a),
    number(row.b),
    row.ratio.toFixed(2),
    noiseText(row.noise),
    row.verdict,
  ])
  return [
    ...warnings.map((text) => `warning: ${text}`),
    table([['case', 'contender', 'A ms', 'B ms', 'B/A', 'noise', 'verdict'], ...body]),
    ...missing.map((text) => `only one has times: ${text}`),
    countsText(rows),
  ].join('\n')
}

/** '± 3%'; a factor where that is clearer. */
function noiseText(noise: number): string {
  return noise < 2 ? `± ${(100 * (noise - 1)).toFixed(0)}%` : `× or / ${noise.toFixed(1)}`
}

function countsText(rows: readonly Change[]): string {
  const of = (verdict: Change['verdict']): number => rows.filter((row) => row.verdict === verdict).length
  return `${of('faster')} faster, ${of('slower')} slower, ${of('the same within noise')} the same within noise`
}
