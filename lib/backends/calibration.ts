import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { expected } from '../errors.js'
import type { BlasRange, CpuInfo } from './binding.js'
import { isBlasRange } from './blas.js'

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

/** What was measured on one machine. */
export interface Calibration {
  /** Nanoseconds of one of each kind of work. */
  readonly constants: Readonly<Record<WorkKind, number>>
  /** What the constants hold for (`machineName`); undefined for the defaults. */
  readonly machine: string | undefined
  /** Left out where no BLAS was found. */
  readonly blas?: MeasuredBlas
}

/** Where an installed BLAS is faster than our kernels. */
export interface MeasuredBlas {
  /** The library by its own name, with its version: another version is another library. */
  readonly library: string
  /** As `processorName` gives it. The number of threads is no part of it: no bit of a result may depend on that. */
  readonly processor: string
  readonly faster: readonly BlasRange[]
}

const formatVersion = 2
let remembered: { readonly path: string; readonly calibration: Calibration | undefined } | undefined

/** The processor and the instruction set that products are measured for. */
export const processorName = ({ cpu, isa }: CpuInfo): string => `${cpu}, ${isa}`

/** The processor, the instruction set and the threads that constants are measured for. */
export const machineName = (info: CpuInfo): string => `${processorName(info)}, ${info.threads} threads`

/** Where `brauer bench --calibrate` leaves what it measured: in BRAUER_CACHE, else in the user's cache folder. */
export function calibrationPath(): string {
  const folder = process.env.BRAUER_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'brauer')
  return join(folder, 'calibration.json')
}

/** The constants measured on this machine, by name, or the defaults where there are none. A file that does not read well, or of
 *  another machine, counts as absent. */
export function calibrationOf(machine: string): Calibration {
  const calibration = stored()
  return calibration?.machine === machine ? calibration : { constants: defaultConstants, machine: undefined }
}

/** What was measured of an installed BLAS on this processor, by name. */
export function measuredBlas(processor: string): MeasuredBlas | undefined {
  const blas = stored()?.blas
  return blas?.processor === processor ? blas : undefined
}

/** What the file says; read once. */
function stored(): Calibration | undefined {
  try {
    // Throws for a user without a home.
    const path = calibrationPath()
    if (remembered?.path !== path) remembered = { path, calibration: read(path) }
    return remembered.calibration
  } catch {
    return undefined
  }
}

function read(path: string): Calibration | undefined {
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as Calibration & { readonly format: number }
    const isUsable = file.format === formatVersion && workKinds.every((kind) => file.constants[kind] >= 0)
    return isUsable && (file.blas === undefined || isMeasuredBlas(file.blas)) ? file : undefined
  } catch {
    return undefined
  }
}

const isMeasuredBlas = ({ library, processor, faster }: MeasuredBlas): boolean =>
  typeof library === 'string' && typeof processor === 'string' && faster.every(isBlasRange)

/** Writes what was measured for processes to come. @throws BrauerError `invalid-argument` when the file cannot be written */
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
