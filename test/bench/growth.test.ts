import { describe, expect, test } from '@jest/globals'
import type { Contender } from '../../bench/contenders/contender.js'
import { reference } from '../../bench/contenders/reference.js'
import { costsOf, fitsOf } from '../../bench/growth/fits.js'
import { growthText } from '../../bench/growth/report.js'
import { fitPower, upperPart } from '../../bench/growth/slope.js'
import { measureSweep, peakBytes } from '../../bench/growth/sweep.js'
import { sweeps, threadCounts, type Sweep } from '../../bench/growth/sweeps.js'
import { suite } from '../../bench/cases.js'
import { growth } from './results.js'

describe('slopes', () => {
  test.each([2, 1, 0, -1, 1.5])('of at^%d', (power) => {
    const fit = fitPower([1, 3, 10, 64].map((at) => ({ at, cost: 7 * at ** power })))!
    expect(fit.slope).toBeCloseTo(power, 12)
    expect(fit.scale).toBeCloseTo(7, 10)
  })

  test('are the least squares where the points are off a line', () => {
    // log2: (0,0) (1,1) (2,4): slope 2, through (1, 5/3).
    const fit = fitPower([{ at: 1, cost: 1 }, { at: 2, cost: 2 }, { at: 4, cost: 16 }]) // prettier-ignore
    expect(fit!.slope).toBeCloseTo(2, 12)
    expect(Math.log2(fit!.scale)).toBeCloseTo(-1 / 3, 12)
  })

  test('need two different values', () => {
    expect(fitPower([])).toBeUndefined()
    expect(fitPower([{ at: 3, cost: 1 }])).toBeUndefined()
    expect(fitPower([1, 2].map((cost) => ({ at: 3, cost })))).toBeUndefined()
  })

  test('are those of the upper half, of four points at least', () => {
    const samples = [9, 2, 3, 4, 5, 6, 7, 8, 1, 10].map((at) => ({ at, cost: 1 }))
    expect(upperPart(samples).map(({ at }) => at)).toEqual([6, 7, 8, 9, 10])
    expect(upperPart(samples.slice(0, 5)).map(({ at }) => at)).toEqual([3, 4, 5, 9])
    expect(upperPart(samples.slice(0, 2)).map(({ at }) => at)).toEqual([2, 9])
  })

  test('of a sweep: fixed costs below do not count, per item or per run', () => {
    const cost = (n: number) => Math.max(50, n ** 2)
    const sweep = growth([1, 2, 4, 8, 16, 32, 64, 128], cost)
    expect(fitsOf(sweep)).toEqual([{ contender: 'cpu', slope: 2, predicted: 2, from: 16, to: 128 }].map(near))
    expect(costsOf({ ...sweep, per: 'item' }, 'cpu').at(-1)).toEqual({ at: 128, cost: 128 ** 2 / 100 })
  })

  test('of an exponential law are the factor for each step', () => {
    const sweep = growth([1, 2, 3, 4], (order) => 5 * 3 ** order, { law: 'exponential', parameter: 'order' })
    const fits = fitsOf(sweep)
    expect(fits).toEqual([{ contender: 'cpu', slope: 3, predicted: 3, from: 1, to: 4 }].map(near))
    expect(
      growthText({ ...sweep, fits })
        .split('\n')
        .at(-1),
    ).toBe('  cpu: ×3.00 for each step, order from 1 to 4, ×3.00 by the plan')
  })
})

const near = <T extends { slope: number; predicted: number }>(fit: T) => ({
  ...fit,
  slope: expect.closeTo(fit.slope, 9),
  predicted: expect.closeTo(fit.predicted, 9),
})

describe('the sweeps', () => {
  const points = (name: string, threads = 4, bytes = 2 ** 26) =>
    sweeps.find((sweep) => sweep.name === name)!.points({ threads, bytes })
  const values = (name: string) => points(name).map(({ at }) => at)

  test('go as far as was asked for', () => {
    expect(values('n')).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096])
    expect(values('order')).toEqual([1, 2, 3, 4, 5, 6])
    const channels = [1, 2, 3, 4, 8, 16, 32, 35, 48, 60, 64, 100, 128, 256, 512]
    expect([values('channels-s'), values('channels-o')]).toEqual([channels, channels])
    expect(values('batch')).toEqual([1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576])
    expect(values('threads')).toEqual([1, 2, 3, 4])
    expect(threadCounts(48)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 48])
  })

  test('cost per item where batches are chosen to fill the memory asked for', () => {
    const chosen = points('n').map(({ at, case: { batch } }) => 16 * at ** 2 * batch)
    expect(chosen.slice(0, -2).every((bytes) => bytes > 2 ** 25 && bytes <= 2 ** 26)).toBe(true)
    expect(points('n').at(-1)!.case.batch).toBe(1)
  })

  test('keep to cases that fit in memory, 4096 among them', () => {
    expect(peakBytes(points('n').at(-1)!.case, 1)).toBe(2 ** 30)
    expect(peakBytes(points('batch').at(-1)!.case, 1)).toBeGreaterThan(4e9)
    expect(points('threads').map(({ threads, case: { name } }) => [threads, name])[1]).toEqual([2, 'o3-mixed, 2 threads']) // prettier-ignore
  })
})

test('a sweep is measured like a case; what does not fit or cannot be planned is left out with its reason', async () => {
  const small = { ...suite[0]!, group: 'O(3)', input: { 1: 2 }, output: { 1: 2 }, batch: 1 }
  const sweep: Sweep = {
    name: 'batch',
    title: 'O(3) 1 → 1',
    parameter: 'batch',
    per: 'run',
    law: 'power',
    points: ({ threads }) => [
      { at: 1, case: small },
      { at: 2, case: { ...small, batch: 2 }, threads: threads + 1 },
      { at: 1e9, case: { ...small, batch: 1e9 } },
      { at: 4, case: { ...small, input: { x: 1 } } },
    ],
  }
  const wrong: Contender = { name: 'absent', summary: '', prepare: () => ({ skip: 'not installed' }) }
  const said: string[] = []
  const result = await measureSweep(sweep, {
    contenders: [reference, wrong],
    threads: 1,
    effort: { budget: 1, rounds: 3 },
    roofline: (threads) => ({ copy: threads * 1e9, peak: 1e15 }),
    progress: (text) => said.push(text),
  })
  const [one, two, large, refused] = result.points
  expect(one!.result!.rows.map(({ contender, times, skip }) => [contender, times !== undefined, skip])).toEqual([
    ['reference', true, undefined],
    ['absent', false, 'not installed'],
  ])
  // 24 bytes in and 24 out, at 1 GB/s and at 2 GB/s: in milliseconds.
  expect([one!.threads, one!.predicted, two!.threads, two!.predicted]).toEqual([1, 48e-6, 2, 48e-6])
  expect(large!.skip).toMatch(/^would take .* GiB, more than 1\.5 GiB$/)
  expect(refused!.skip).toMatch(/order/)
  expect(result.fits.map(({ contender, from, to }) => [contender, from, to])).toEqual([['reference', 1, 2]])
  expect(said).toContain('batch 2: the right answer')
  const text = growthText(result)
  expect(text).toMatch(/^growth with batch: O\(3\) 1 → 1\n/)
  expect(text).toMatch(/\n {2}1 +absent – not installed\n/)
  expect(text).toMatch(/\n {2}1000000000 +– would take/)
})
