import type { Fit, Growth, GrowthPoint } from '../results.js'
import { fitPower, upperPart, type Sample } from './slope.js'

type Measured = Pick<Growth, 'points' | 'per' | 'law'>

/** The contenders that were timed on some point. */
export function contendersOf({ points }: Measured): string[] {
  const rows = points.flatMap(({ result }) => result?.rows ?? [])
  return [...new Set(rows.flatMap(({ contender, times }) => (times ? [contender] : [])))]
}

/** Milliseconds, of an item or of a run, wherever the contender was timed. */
export function costsOf({ points, per }: Measured, contender: string): Sample[] {
  return points.flatMap((point) => {
    const times = point.result?.rows.find((row) => row.contender === contender)?.times
    return times ? [{ at: point.at, cost: times.median / divisor(point, per) }] : []
  })
}

/** What the plan predicts, in the same unit. */
export function predictedOf({ points, per }: Measured): Sample[] {
  return points.flatMap((point) => {
    const { at, predicted } = point
    return predicted === undefined ? [] : [{ at, cost: predicted / divisor(point, per) }]
  })
}

function divisor({ result }: GrowthPoint, per: Growth['per']): number {
  return per === 'item' ? result!.case.batch : 1
}

/** The measured and the predicted slope of every contender. */
export function fitsOf(measured: Measured): Fit[] {
  return contendersOf(measured).flatMap((contender) => {
    const part = upperPart(costsOf(measured, contender))
    const slope = slopeOf(part, measured.law)
    if (slope === undefined) return []
    const predicted = slopeOf(predictedOf(measured).filter(({ at }) => part.some((sample) => sample.at === at)), measured.law) // prettier-ignore
    return [
      { contender, slope, ...(predicted === undefined ? {} : { predicted }), from: part[0]!.at, to: part.at(-1)!.at },
    ]
  })
}

/** What varies, such that the law is a power law of it. */
export function abscissa(law: Growth['law'], at: number): number {
  return law === 'power' ? at : Math.exp(at)
}

function slopeOf(samples: readonly Sample[], law: Growth['law']): number | undefined {
  const fitted = fitPower(samples.map(({ at, cost }) => ({ at: abscissa(law, at), cost })))
  return fitted && (law === 'power' ? fitted.slope : Math.exp(fitted.slope))
}
