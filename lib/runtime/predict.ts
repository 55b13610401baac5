import { cpuInfo } from '../backends/native.js'
import { calibrationOf, predict } from './calibration.js'

/** How long a run is expected to take. */
export interface Prediction {
  readonly batch: number
  readonly milliseconds: number
  /** Whether the constants behind it were measured on this machine. */
  readonly calibrated: boolean
}

/** The processor and the instruction set that constants are measured for. */
export function machineName(): string {
  const { cpu, isa, threads } = cpuInfo()
  return `${cpu}, ${isa}, ${threads} threads`
}

/** The time of work that the cpu backend counted. */
export function predictTime(work: readonly number[], batch: number): Prediction {
  const calibration = calibrationOf(machineName())
  return { batch, milliseconds: predict(work, calibration), calibrated: calibration.machine !== undefined }
}
