import { suite, type Case } from '../cases.js'

/** One measurement of a sweep. */
export interface Point {
  readonly at: number
  readonly case: Case
  /** All that the run may use where left out. */
  readonly threads?: number
}

/** A size that varies while all else stays. */
export interface Sweep {
  readonly name: string
  readonly title: string
  readonly parameter: string
  /** Batches differ from point to point in sweeps whose costs are per item. */
  readonly per: 'item' | 'run'
  /** Whether cost is expected to grow as a power of what varies, or by a factor for each step. */
  readonly law: 'power' | 'exponential'
  points(setting: SweepSetting): readonly Point[]
}

export interface SweepSetting {
  /** Threads at most. */
  readonly threads: number
  /** Bytes that x and y should have together, so that a run is neither too short nor inside the caches. */
  readonly bytes: number
}

const channelCounts = [1, 2, 3, 4, 8, 16, 32, 35, 48, 60, 64, 100, 128, 256, 512]

/** In the order in which they are measured and shown. */
export const sweeps: readonly Sweep[] = [
  {
    name: 'n',
    title: 'S(n) 2 → 2, 2 channels',
    parameter: 'n',
    per: 'item',
    law: 'power',
    points: ({ bytes }) =>
      powers(2, 12)
        .slice(1)
        .map((n) => point(n, filled(`S(${n})`, { 2: 2 }, n ** 2 * 2, bytes))),
  },
  {
    name: 'order',
    title: 'O(3) k → k, 4 channels',
    parameter: 'order k',
    per: 'item',
    law: 'exponential',
    points: ({ bytes }) =>
      [1, 2, 3, 4, 5, 6].map((order) => point(order, filled('O(3)', { [order]: 4 }, 3 ** order * 4, bytes))),
  },
  {
    name: 'channels-s',
    title: 'S(32) 2 → 2',
    parameter: 'channels',
    per: 'item',
    law: 'power',
    points: () => channelCounts.map((count) => point(count, made('S(32)', { 2: count }, count > 256 ? 32 : 64))),
  },
  {
    name: 'channels-o',
    title: 'O(3) 2 → 2',
    parameter: 'channels',
    per: 'item',
    law: 'power',
    points: () => channelCounts.map((count) => point(count, made('O(3)', { 2: count }, count > 256 ? 4096 : 8192))),
  },
  {
    name: 'batch',
    title: 'O(3) {0: 64, 1: 64, 2: 32}',
    parameter: 'batch',
    per: 'run',
    law: 'power',
    points: () => powers(4, 10).map((batch) => point(batch, made('O(3)', { 0: 64, 1: 64, 2: 32 }, batch))),
  },
  {
    name: 'threads',
    title: 'o3-mixed of the suite',
    parameter: 'threads',
    per: 'run',
    law: 'power',
    points: ({ threads }) =>
      threadCounts(threads).map((count) => ({ at: count, threads: count, case: named('o3-mixed', count) })),
  },
]

function point(at: number, given: Case): Point {
  return { at, case: given }
}

/** The same space on both sides, at a batch that gives x and y about as many bytes as asked for. */
function filled(group: string, space: Case['input'], size: number, bytes: number): Case {
  return made(group, space, 2 ** Math.max(0, Math.floor(Math.log2(bytes / (8 * size)))))
}

function made(group: string, space: Case['input'], batch: number): Case {
  const name = `${group} ${Object.entries(space).join(' ')}`
  return { name, group, input: space, output: space, batch, gpuBatch: batch, bias: false, layout: 'channels-last' }
}

function named(name: string, threads: number): Case {
  return { ...suite.find((each) => each.name === name)!, name: `${name}, ${threads} threads` }
}

/** 1, base, … base^most. */
function powers(base: number, most: number): number[] {
  return Array.from({ length: most + 1 }, (_, exponent) => base ** exponent)
}

/** All of 1 … 8, then powers of two, and the most there are. */
export function threadCounts(most: number): number[] {
  const counts = Array.from({ length: most }, (_, i) => i + 1)
  return counts.filter((count) => count <= 8 || Number.isInteger(Math.log2(count)) || count === most)
}
