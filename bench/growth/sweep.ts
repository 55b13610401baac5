import { BrauerError, groupFrom } from '../../dist/index.js'
import { bytesText } from '../../dist/cli/table.js'
import type { Case } from '../cases.js'
import { measureCase, type Setting } from '../measure.js'
import { boundOf, type Growth, type GrowthPoint, type Roofline } from '../results.js'
import { brief } from '../timing.js'
import { fitsOf } from './fits.js'
import type { Point, Sweep } from './sweeps.js'

/** What a point may take at most, proof included. */
const mostBytes = 1.5 * 2 ** 30
/** What x and y have together where the batch is free: out of every cache. */
const runBytes = 64 * 2 ** 20
/** The same two for a quick run. */
const quickShare = 1 / 16

export interface GrowthSetting extends Omit<Setting, 'roofline'> {
  readonly roofline: (threads: number) => Roofline | undefined
}

/** Measures all points of a sweep that fit, and fits the slopes. */
export async function measureSweep(sweep: Sweep, setting: GrowthSetting): Promise<Growth> {
  const { name, title, parameter, per, law } = sweep
  const share = setting.effort === brief ? quickShare : 1
  const points: GrowthPoint[] = []
  for (const point of sweep.points({ threads: setting.threads, bytes: share * runBytes }))
    points.push(await measurePoint(`${name} ${point.at}`, point, setting, share * mostBytes))
  return { name, title, parameter, per, law, points, fits: fitsOf({ points, per, law }) }
}

async function measurePoint(name: string, point: Point, setting: GrowthSetting, most: number): Promise<GrowthPoint> {
  const threads = point.threads ?? setting.threads
  const given: Case = { ...point.case, name }
  const bytes = peakBytes(given, setting.contenders.length)
  const skipped = (skip: string): GrowthPoint => ({ at: point.at, threads, skip })
  if (bytes > most) return skipped(`would take ${bytesText(bytes)}, more than ${bytesText(most)}`)
  try {
    const roofline = setting.roofline(threads)
    const result = await measureCase(given, { ...setting, threads, roofline })
    const { x, y } = result.bytes
    const predicted = roofline && { predicted: boundOf(x + y, result.programFlops, roofline).ms }
    return { at: point.at, threads, result, ...predicted }
  } catch (error) {
    // What the planner refuses, and what does not fit in memory after all.
    if (error instanceof BrauerError) return skipped(error.message)
    throw error
  }
}

/** Inputs, one output for each contender, and what proves them: up to three items in float64 and once more in float32. */
export function peakBytes({ group, input, output, batch }: Case, contenders: number): number {
  const { n } = groupFrom(group).kinds[0]!
  const size = (space: Case['input']): number =>
    4 * Object.entries(space).reduce((sum, [order, channels]) => sum + channels * n ** Number(order), 0)
  const [x, y] = [size(input), size(output)]
  return batch * (x + contenders * y) + 3 * Math.min(batch, 3) * (x + y)
}
