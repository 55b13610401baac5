import type { Case } from '../../bench/cases.js'
import type { CaseResult, Growth, GrowthPoint, Results, Row } from '../../bench/results.js'
import type { Times } from '../../bench/timing.js'

/** Results that nobody measured. */

export function timesOf(median: number, spread = 0.02, rounds = 11): Times {
  const quartiles = [median * (1 - spread / 2), median * (1 + spread / 2)] as const
  return { median, least: median * (1 - spread), spread: quartiles, rounds }
}

const roofline = { copy: 4e10, peak: 2e11 }

export function caseResult(name: string, medians: Readonly<Record<string, number | Partial<Row>>>): CaseResult {
  const given: Case = {
    name,
    group: 'O(3)',
    input: { 2: 4 },
    output: { 2: 4 },
    batch: 100,
    gpuBatch: 100,
    bias: false,
    layout: 'channels-last',
  }
  const bytes = { x: 4e6, y: 4e6 }
  const flops = 8e7
  const bound = { ms: 0.4, by: 'arithmetic' as const }
  const rows = Object.entries(medians).map(([contender, value]): Row => {
    if (typeof value !== 'number') return { contender, ...value }
    const rates = { bytesPerSecond: 8e9 / value, flopsPerSecond: (1e3 * flops) / value }
    return { contender, times: timesOf(value), error: 1e-7, ...rates, share: bound.ms / value }
  })
  const minimalFlops = { flops, kind: 'exact' as const }
  return { case: given, bytes, minimalFlops, programFlops: 2 * flops, bound, truth: '3 of the items', rows }
}

/** Costs by `cost(at)`, predictions of half of that. */
export function growth(values: readonly number[], cost: (at: number) => number, changes: Partial<Growth> = {}): Growth {
  const points = values.map((at): GrowthPoint => {
    const result = caseResult(`n ${at}`, { cpu: cost(at) })
    return { at, threads: 1, result, predicted: cost(at) / 2 }
  })
  return { name: 'n', title: 'S(n) 2 → 2', parameter: 'n', per: 'run', law: 'power', points, fits: [], ...changes }
}

export function results(cases: readonly CaseResult[], changes: Partial<Results> = {}): Results {
  return {
    format: 1,
    date: '2025-01-31T12:00:00.000Z',
    quick: false,
    machine: {
      cpu: 'A & B',
      cores: 8,
      isa: 'avx2',
      threads: 2,
      platform: 'linux-x64',
      node: 'v22.12.0',
      version: '1.2.3',
      commit: 'abc',
    },
    roofline: { first: roofline, best: roofline },
    cases,
    ...changes,
  }
}
