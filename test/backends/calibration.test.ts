/** What was measured on a machine: kept in a file, for that machine alone. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from '@jest/globals'
import {
  calibrationOf,
  calibrationPath,
  defaultConstants,
  measuredBlas,
  saveCalibration,
  type Calibration,
} from '../../lib/backends/calibration.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-calibration-'))
const before = process.env.BRAUER_CACHE
let count = 0
beforeEach(() => {
  // A file is read once.
  process.env.BRAUER_CACHE = join(folder, String(++count))
})
afterAll(() => {
  if (before === undefined) delete process.env.BRAUER_CACHE
  else process.env.BRAUER_CACHE = before
  rmSync(folder, { recursive: true })
})

const defaults = { constants: defaultConstants, machine: undefined }
const blas = { library: 'libx', processor: 'p', faster: [{ dtype: 'float32', inner: [1, 2], cols: [3, 4] }] } as const
const calibration: Calibration = { constants: { ...defaultConstants, steps: 77 }, machine: 'this', blas }

test('none at all gives the defaults, and no library', () => {
  expect(calibrationOf('this')).toEqual(defaults)
  expect(measuredBlas('p')).toBeUndefined()
})

test('kept for one machine, and for one processor', () => {
  expect(saveCalibration(calibration)).toBe(calibrationPath())
  expect(calibrationPath().startsWith(folder)).toBe(true)
  expect(calibrationOf('this').constants.steps).toBe(77)
  expect(calibrationOf('another')).toEqual(defaults)
  expect(measuredBlas('p')).toEqual(blas)
  expect(measuredBlas('q')).toBeUndefined()
})

test('kept without a library where none was found', () => {
  saveCalibration({ constants: calibration.constants, machine: 'this' })
  expect(calibrationOf('this').constants.steps).toBe(77)
  expect(measuredBlas('p')).toBeUndefined()
})

const [range] = blas.faster
test.each<[string, (file: typeof calibration & { format: number }) => unknown]>([
  ['of another format', (file) => ({ ...file, format: 1 })],
  ['without a constant', (file) => ({ ...file, constants: { ...file.constants, bytes: undefined } })],
  ['with a constant below 0', (file) => ({ ...file, constants: { ...file.constants, bytes: -1 } })],
  ['of a library without a name', (file) => ({ ...file, blas: { ...blas, library: 1 } })],
  ['of no processor', (file) => ({ ...file, blas: { ...blas, processor: undefined } })],
  ['of no ranges', (file) => ({ ...file, blas: { ...blas, faster: undefined } })],
  ['of no library at all', (file) => ({ ...file, blas: null })],
  ...(
    [
      null,
      { ...range, dtype: 'float16' },
      { ...range, inner: undefined },
      { ...range, inner: [1] },
      { ...range, inner: [1, 2, 3] },
      { ...range, inner: [0, 2] },
      { ...range, cols: [4, 3] },
      { ...range, cols: [3, 3.5] },
      { ...range, cols: ['3', '4'] },
      { ...range, cols: [3, 2 ** 31 + 1] },
    ] as const
  ).map((bad): [string, (file: object) => unknown] => [
    `with the range ${JSON.stringify(bad)}`,
    (file) => ({ ...file, blas: { ...blas, faster: [range, bad] } }),
  ]),
])('a file %s counts as absent', (_, change) => {
  mkdirSync(dirname(calibrationPath()), { recursive: true })
  writeFileSync(calibrationPath(), JSON.stringify(change({ format: 2, ...calibration })))
  expect(calibrationOf('this')).toEqual(defaults)
  expect(measuredBlas('p')).toBeUndefined()
})

test('half a file counts as absent', () => {
  const path = saveCalibration(calibration)
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 50))
  expect(calibrationOf('this')).toEqual(defaults)
})
