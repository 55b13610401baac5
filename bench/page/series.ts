import type { CaseResult, Row } from '../results.js'
import type { Times } from '../timing.js'

/** A contender that was timed. */
export type TimedRow = Row & { readonly times: Times }

/** The engine as users get it, the same engine with one choice forced, or something else altogether. */
export type Kind = 'chosen' | 'forced' | 'outside'

export const kindLabels: Readonly<Record<Kind, string>> = {
  chosen: 'this engine as it runs by itself',
  forced: 'its strategies and backends, forced',
  outside: 'other software',
}

export function kindOf(contender: string): Kind {
  if (contender === 'cpu') return 'chosen'
  return /^(cpu|cuda|reference)\b/.test(contender) ? 'forced' : 'outside'
}

export function timedRows({ rows }: CaseResult): TimedRow[] {
  return rows.filter((row): row is TimedRow => row.times !== undefined)
}

/** What the others are compared with: cpu, else the first that was timed. */
export function baselineOf(result: CaseResult): TimedRow | undefined {
  const rows = timedRows(result)
  return rows.find(({ contender }) => kindOf(contender) === 'chosen') ?? rows[0]
}

/** The fastest of the other software. */
export function bestOutside(result: CaseResult): TimedRow | undefined {
  return timedRows(result)
    .filter(({ contender }) => kindOf(contender) === 'outside')
    .toSorted((a, b) => a.times.median - b.times.median)[0]
}
