/** Constants of the cost model: fitted, and used for predictions. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { linear, O, S } from '../../lib/index.js'
import { defaultConstants, workKinds } from '../../lib/backends/calibration.js'
import { fitConstants, predict, type Sample } from '../../lib/runtime/predict.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-calibration-'))
const before = process.env.BRAUER_CACHE
beforeAll(() => {
  process.env.BRAUER_CACHE = folder
})
afterAll(() => {
  if (before === undefined) delete process.env.BRAUER_CACHE
  else process.env.BRAUER_CACHE = before
  rmSync(folder, { recursive: true })
})

/** Samples of a machine whose constants are the defaults times `factors`. */
function samplesOf(factors: readonly number[]): Sample[] {
  let state = 7
  const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647
  return Array.from({ length: 60 }, () => {
    const work = workKinds.map((kind) => (random() * 1e5) / defaultConstants[kind])
    const nanoseconds = workKinds.reduce((sum, kind, at) => sum + defaultConstants[kind] * factors[at]! * work[at]!, 0)
    return { work, nanoseconds }
  })
}

test('the constants of a machine come back from what it takes', () => {
  const factors = workKinds.map((_, at) => 0.5 + 0.25 * (at % 5))
  const fitted = fitConstants(samplesOf(factors))
  // Pulled a little towards the defaults.
  workKinds.forEach((kind, at) => {
    expect(Math.abs(fitted[kind] / defaultConstants[kind] / factors[at]! - 1)).toBeLessThan(0.15)
  })
})

test('no constant is negative, also where that would fit better', () => {
  const fitted = fitConstants(samplesOf(workKinds.map((_, at) => (at === 3 ? -0.1 : 1))))
  expect(Math.min(...Object.values(fitted))).toBe(0)
})

test('a prediction is the sum over kinds of work, and explain prints it', () => {
  const work = workKinds.map((_, at) => at)
  const expected = workKinds.reduce((sum, kind, at) => sum + defaultConstants[kind] * at, 0) / 1e6
  expect(predict(work, { constants: defaultConstants, machine: undefined })).toBeCloseTo(expected, 12)
  const layer = linear(O(3), { 2: 16 }, { 2: 16 }, { backend: 'cpu', threads: 1 })
  const [one, many] = [layer.predict(1000)!, layer.predict(4000)!]
  expect(many.milliseconds / one.milliseconds).toBeGreaterThan(3)
  expect(many.milliseconds / one.milliseconds).toBeLessThan(5)
  expect(layer.explain({ batch: 1000 })).toMatch(/predicted {2}.* for a batch of 1000 \(a usual server's constants/)
  expect(linear(S(4), { 1: 1 }, { 1: 1 }, { backend: 'reference' }).predict(1)).toBeUndefined()
  expect(() => layer.predict(0)).toThrow('predict: batch: expected')
})
