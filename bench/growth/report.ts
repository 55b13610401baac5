import { table } from '../../dist/cli/table.js'
import { number } from '../report.js'
import type { Fit, Growth } from '../results.js'

/** A sweep as text: one row for each point and contender, then the slopes. */
export function growthText(growth: Growth): string {
  const { name, title, fits } = growth
  const rows = [headOf(growth), ...linesOf(growth)]
  return [
    `growth with ${name}: ${title}`,
    ...table(rows).split('\n').map((line) => `  ${line.trimEnd()}`),
    ...fits.map((fit) => `  ${growthLine(fit, growth)}`),
  ].join('\n') // prettier-ignore
}

/** The columns of a sweep's figures. */
export function headOf({ parameter, per }: Growth): string[] {
  return [parameter, 'contender', 'items', `ms per ${per}`, 'plan', 'measured / plan', 'of roofline']
}

/** The figures of every point and contender; where there are none, the value and the reason alone. */
export function linesOf({ per, points }: Growth): string[][] {
  return points.flatMap(({ at, result, predicted, skip }) => {
    if (!result) return [[String(at), `– ${skip}`]]
    const { batch } = result.case
    const unit = per === 'item' ? batch : 1
    return result.rows.map(({ contender, times, share, refused, skip: reason }) => {
      if (!times) return [String(at), `${contender} ${refused === undefined ? `– ${reason}` : `REFUSED: ${refused}`}`]
      const plan =
        predicted === undefined ? ['', ''] : [number(predicted / unit), (times.median / predicted).toFixed(2)]
      return [String(at), contender, String(batch), number(times.median / unit), ...plan, share?.toFixed(2) ?? '']
    })
  })
}

/** 'cpu: slope 1.98, n from 128 to 4096, 2.00 by the plan'. */
export function growthLine({ contender, slope, predicted, from, to }: Fit, { parameter, law }: Growth): string {
  const text = (value: number): string => (law === 'power' ? value.toFixed(2) : `×${number(value)}`)
  const plan = predicted === undefined ? '' : `, ${text(predicted)} by the plan`
  const what = law === 'power' ? `slope ${text(slope)}` : `${text(slope)} for each step`
  return `${contender}: ${what}, ${parameter} from ${from} to ${to}${plan}`
}
