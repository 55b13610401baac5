import { describeCase } from './cases.js'
import type { Results, Row } from './results.js'
import type { Times } from './timing.js'

/** What two runs say of one contender on one case. */
export interface Change {
  readonly case: string
  readonly contender: string
  /** Medians in milliseconds. */
  readonly a: number
  readonly b: number
  /** b over a. */
  readonly ratio: number
  /** The true ratio lies between ratio / noise and ratio · noise, 99 times in a hundred. */
  readonly noise: number
  readonly verdict: 'faster' | 'slower' | 'the same within noise'
}

export interface Comparison {
  readonly rows: readonly Change[]
  /** Why the two may not be comparable. */
  readonly warnings: readonly string[]
  /** What only one of the two has times for: 'case contender, not in B: reason'. */
  readonly missing: readonly string[]
}

/** Two runs of the same program on the same machine differ by as much as this at least, however calm each was: pages lie elsewhere,
 *  clocks run otherwise. */
const leastNoise = 1.03

/** Compares two runs, row by row. */
export function compareResults(a: Results, b: Results): Comparison {
  const [before, after] = [timed(a), timed(b)]
  const rows = [...before].flatMap(([key, { name, row }]) => {
    const other = after.get(key)?.row.times
    return row.times && other ? [change(name, row.contender, row.times, other)] : []
  })
  return { rows, warnings: warningsOf(a, b), missing: [...missing(before, after, 'B'), ...missing(after, before, 'A')] }
}

/** Slower beyond noise and by more than `percent`. */
export function isSlower({ verdict, ratio }: Change, percent: number): boolean {
  return verdict === 'slower' && ratio > 1 + percent / 100
}

/** How far two medians differ, and how much of that could be noise. All is done on logarithms, since a busy machine stretches times.
 *
 *  The standard error of a median is 1.253 σ/√n for normal samples, and σ is the distance of the quartiles over 1.349: outliers, which
 *  other programs cause, hardly move either. The errors of both runs add in squares; their degrees of freedom are Welch's. */
export function change(name: string, contender: string, a: Times, b: Times): Change {
  const ratio = b.median / a.median
  const [ea, eb] = [squaredError(a), squaredError(b)]
  const freedom = (ea + eb) ** 2 / (ea ** 2 / (a.rounds - 1) + eb ** 2 / (b.rounds - 1))
  const noise = Math.max(leastNoise, Math.exp(quantile(freedom) * Math.sqrt(ea + eb)))
  const verdict = ratio > noise ? 'slower' : ratio < 1 / noise ? 'faster' : 'the same within noise'
  return { case: name, contender, a: a.median, b: b.median, ratio, noise, verdict }
}

/** Of the logarithm of the median. */
function squaredError({ spread, rounds }: Times): number {
  return ((1.253 / 1.349) * Math.log(spread[1] / spread[0])) ** 2 / rounds
}

/** Student's t that 99 of 100 stay below in size, by degrees of freedom. */
const students = [[1, 63.66], [2, 9.92], [3, 5.84], [4, 4.6], [6, 3.71], [10, 3.17], [20, 2.85], [40, 2.7], [Infinity, 2.58]] as const // prettier-ignore

function quantile(freedom: number): number {
  const next = students.findIndex(([at]) => at >= freedom)
  if (next <= 0) return students[0][1]
  const [[low, above], [high, below]] = [students[next - 1]!, students[next]!]
  // Nearly linear in 1/freedom.
  const share = (1 / low - 1 / freedom) / (1 / low - 1 / high)
  return above + share * (below - above)
}

interface Entry {
  readonly name: string
  readonly row: Row
}

/** By case, what it computes, and contender: a case that has changed its sizes is another one. */
function timed({ cases, growth = [] }: Results): Map<string, Entry> {
  const points = growth.flatMap((each) => each.points.flatMap(({ result }) => result ?? []))
  return new Map(
    [...cases, ...points].flatMap(({ case: given, rows }) =>
      rows.map((row) => {
        const { name, batch } = given
        return [`${name}|${describeCase(given)}|${batch}|${row.contender}`, { name, row }] as const
      }),
    ),
  )
}

function missing(of: Map<string, Entry>, from: Map<string, Entry>, label: string): string[] {
  return [...of].flatMap(([key, { name, row }]) => {
    const other = from.get(key)?.row
    if (!row.times || other?.times) return []
    const reason = other?.refused ?? other?.skip
    return [
      `${name} ${row.contender}, ${other?.refused === undefined ? 'not' : 'REFUSED'} in ${label}${reason === undefined ? '' : `: ${reason}`}`,
    ]
  })
}

function warningsOf(a: Results, b: Results): string[] {
  const facts = (['cpu', 'cores', 'isa', 'blas', 'threads', 'platform', 'node'] as const).flatMap((fact) =>
    a.machine[fact] === b.machine[fact]
      ? []
      : [`${fact} differs: ${a.machine[fact] ?? 'none'} and ${b.machine[fact] ?? 'none'}`],
  )
  if (a.quick !== b.quick) facts.push('one is a quick run and the other is not')
  for (const limit of ['copy', 'peak'] as const) {
    const [before, after] = [a.roofline?.best[limit], b.roofline?.best[limit]]
    if (before === undefined || after === undefined) continue
    const ratio = after / before
    if (ratio > 1.1 || ratio < 1 / 1.1)
      facts.push(
        `the ${limit} of the roofline is ${ratio.toFixed(2)} times as high in B: one of the two met a busy machine`,
      )
  }
  return facts
}
