/** A measured or predicted cost at one value of what varies. Both are positive. */
export interface Sample {
  readonly at: number
  readonly cost: number
}

/** The exponent p of the power law c·at^p that is nearest by least squares on log-log axes; undefined without two different values.
 *  Also the constant, for drawing. */
export function fitPower(samples: readonly Sample[]): { readonly slope: number; readonly scale: number } | undefined {
  const points = samples.map(({ at, cost }) => [Math.log(at), Math.log(cost)] as const)
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  if (!(spread > 0)) return undefined
  const slope = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread
  return { slope, scale: Math.exp(y - slope * x) }
}

/** The samples that a slope is fitted over: the upper half by rank, four at least where there are so many. Below it, fixed costs
 *  and caches decide, not growth. */
export function upperPart<T extends Sample>(samples: readonly T[]): T[] {
  const sorted = samples.toSorted((a, b) => a.at - b.at)
  return sorted.slice(-Math.max(4, Math.ceil(sorted.length / 2)))
}
