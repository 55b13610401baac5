import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { expected } from '../errors.js'

/** The kinds of work that a backend counts for a run, in its order (`WorkCounts` of native/core/backend.h says what each one is), with
 *  the nanoseconds that one of each took on a processor with AVX-512 in 2026: what is assumed where nobody has calibrated. */
export const defaultConstants = {
  calls: 1350,
  wakes: 6000,
  steps: 75,
  products: 0.34,
  sums: 0.8,
  moves: 1.7,
  rows: 0.3,
  transforms: 0.5,
  runs: 10,
  bytes: 0.02,
} as const

export type WorkKind = keyof typeof defaultConstants
export const workKinds = Object.keys(defaultConstants) as WorkKind[]

/** Nanoseconds of one of each kind of work on one machine. */
export interface Calibration {
  readonly constants: Readonly<Record<WorkKind, number>>
  /** What the constants hold for: the processor and the instruction set; undefined for the defaults. */
  readonly machine: string | undefined
}

/** A run that was measured: its work by kind, and its nanoseconds. */
export interface Sample {
  readonly work: readonly number[]
  readonly nanoseconds: number
}

const formatVersion = 1
let remembered: { readonly path: string; readonly calibration: Calibration } | undefined

/** Where `brauer bench --calibrate` leaves its constants: in BRAUER_CACHE, else in the user's cache folder. */
export function calibrationPath(): string {
  const folder = process.env.BRAUER_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'brauer')
  return join(folder, 'calibration.json')
}

/** The constants measured on this machine (a processor and an instruction set, by name), or the defaults where there are none. A
 *  file that does not read well, or of another machine, counts as absent. */
export function calibrationOf(machine: string): Calibration {
  const path = calibrationPath()
  if (remembered?.path !== path || (remembered.calibration.machine ?? machine) !== machine)
    remembered = { path, calibration: read(path, machine) ?? { constants: defaultConstants, machine: undefined } }
  return remembered.calibration
}

function read(path: string, machine: string): Calibration | undefined {
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as Calibration & { readonly format: number }
    const usable = file.format === formatVersion && file.machine === machine
    return usable && workKinds.every((kind) => file.constants[kind] >= 0) ? file : undefined
  } catch {
    return undefined
  }
}

/** Writes constants for `calibrationOf` to find. @throws BrauerError `invalid-argument` when the file cannot be written */
export function saveCalibration(calibration: Calibration): string {
  const path = calibrationPath()
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.${process.pid}`, `${JSON.stringify({ format: formatVersion, ...calibration }, null, 2)}\n`)
    renameSync(`${path}.${process.pid}`, path)
  } catch (error) {
    throw expected('invalid-argument', 'calibration', 'a file that can be written', `${path}: ${String(error)}`)
  }
  remembered = undefined
  return path
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
