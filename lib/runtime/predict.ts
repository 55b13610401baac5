import {
  calibrationOf,
  defaultConstants,
  machineName,
  workKinds,
  type Calibration,
  type WorkKind,
} from '../backends/calibration.js'
import { cpuInfo } from '../backends/native.js'

/** How long a run is expected to take. */
export interface Prediction {
  readonly batch: number
  readonly milliseconds: number
  /** Whether the constants behind it were measured on this machine. */
  readonly calibrated: boolean
}

/** A run that was measured: its work by kind, and its nanoseconds. */
export interface Sample {
  readonly work: readonly number[]
  readonly nanoseconds: number
}

/** The time of work that the cpu backend counted. */
export function predictTime(work: readonly number[], batch: number): Prediction {
  const calibration = calibrationOf(machineName(cpuInfo()))
  return { batch, milliseconds: predict(work, calibration), calibrated: calibration.machine !== undefined }
}

/** Milliseconds that work takes. */
export function predict(work: readonly number[], { constants }: Calibration): number {
  return workKinds.reduce((sum, kind, at) => sum + constants[kind] * work[at]!, 0) / 1e6
}

/** The constants, none of them negative, with the least squares of relative errors over the samples; pulled slightly towards the
 *  defaults, which decides those that the samples say nothing about. Coordinate descent: each constant in turn is set to its best
 *  value with the others held, which converges because the sum of squares is convex. */
export function fitConstants(samples: readonly Sample[]): Record<WorkKind, number> {
  const pull = 0.02
  const given = workKinds.map((kind) => defaultConstants[kind] as number)
  // In units of the defaults, so that one pull suits all.
  const rows = samples.map(({ work, nanoseconds }) => work.map((amount, at) => (amount * given[at]!) / nanoseconds))
  const scale = workKinds.map(() => 1)
  for (let round = 0; round < 2000; round++) {
    for (const at of scale.keys()) {
      let over = pull
      let under = pull
      for (const row of rows) {
        const others = row.reduce((sum, value, k) => (k === at ? sum : sum + value * scale[k]!), 0)
        over += row[at]! * (1 - others)
        under += row[at]! ** 2
      }
      scale[at] = Math.max(0, over / under)
    }
  }
  return Object.fromEntries(workKinds.map((kind, at) => [kind, given[at]! * scale[at]!])) as Record<WorkKind, number>
}
