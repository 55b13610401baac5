import type * as brauer from '../../lib/index.js'
export const groups: readonly string[]
export function networksOf(
  library: typeof brauer,
  group: string,
  dtype: 'float32' | 'float64',
): Record<string, brauer.Network>
export function shapesOf(network: brauer.Network, batch: number): Record<string, number[]>
export function generator(seed: number): (end: number) => number
