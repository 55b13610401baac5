import { describeCase } from '../cases.js'
import { headOf, linesOf } from '../growth/report.js'
import { number } from '../report.js'
import type { CaseResult, Growth, Results, Row } from '../results.js'
import { escape, table, type Line } from './html.js'
import { baselineOf } from './series.js'

/** A column of the table of figures: what it shows of a contender. */
type Column = readonly [string, (row: Row, result: CaseResult) => string | undefined]

const columns: readonly Column[] = [
  ['ms', ({ times }) => times && number(times.median)],
  ['least', ({ times }) => times && number(times.least)],
  ['quartiles', ({ times }) => times && times.spread.map(number).join(' – ')],
  ['rounds', ({ times }) => times && String(times.rounds)],
  ['predicted ms', ({ predicted }) => (predicted === undefined ? undefined : number(predicted))],
  ['× cpu', ({ times }, result) => times && (times.median / baselineOf(result)!.times.median).toFixed(2)],
  ['of roofline', ({ share }) => share?.toFixed(2)],
  ['GB/s', ({ bytesPerSecond }) => inBillions(bytesPerSecond)],
  ['GFLOP/s', ({ flopsPerSecond }) => inBillions(flopsPerSecond)],
  ['error', ({ error }) => error?.toExponential(0)],
]

const inBillions = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : number(value / 1e9)

/** Everything that was measured of the cases. A column that nobody has a figure for is left out. */
export function caseTable({ cases }: Results): string {
  if (cases.length === 0) return ''
  const used = columns.filter(([, cell]) => cases.some((each) => each.rows.some((row) => cell(row, each))))
  const lines = cases.flatMap((each): Line[] => [heading(each), ...each.rows.map((row) => line(row, each, used))])
  return table('All figures', ['contender', ...used.map(([name]) => name)], lines)
}

function heading({ case: given, bound, minimalFlops, truth }: CaseResult): string {
  const least = bound ? `at least ${number(bound.ms)} ms by ${bound.by}, ` : ''
  const kind = minimalFlops.kind === 'exact' ? 'minimal' : "the program's"
  return `${given.name}: ${describeCase(given)}, batch ${given.batch} (${least}${kind} flops; compared with ${truth})`
}

function line(row: Row, result: CaseResult, used: readonly Column[]): Line {
  const { contender, times, refused, skip } = row
  if (!times) return [contender, refused === undefined ? `– ${skip}` : `REFUSED: ${refused}`]
  return [contender, ...used.map(([, cell]) => cell(row, result) ?? '')]
}

/** The points of a sweep, folded away. */
export function growthTable(growth: Growth): string {
  const label = `Figures: ${growth.title} by ${growth.parameter}`
  return `<details><summary>${escape(label)}</summary>${table(label, headOf(growth), linesOf(growth))}</details>`
}
