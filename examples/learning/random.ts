// Numbers drawn by seed, and random elements of groups as matrices.
import { randomLcg, randomNormal, randomUniform } from 'd3-random'

export interface Random {
  /** On [0, 1). */
  uniform(): number
  normal(): number
}

export function random(seed: number): Random {
  const source = randomLcg(seed / 2 ** 20)
  for (let i = 0; i < 16; i++) source() // streams of neighbouring seeds begin alike
  return { uniform: randomUniform.source(source)(), normal: randomNormal.source(source)() }
}

/** Numbers below `count` in a random order (Fisher and Yates). */
export function shuffled(count: number, { uniform }: Random): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1))
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

/** A square matrix, row by row. */
export type Matrix = readonly (readonly number[])[]

export function permutation(n: number, draw: Random): Matrix {
  return shuffled(n, draw).map((to) => Array.from({ length: n }, (_, i) => (i === to ? 1 : 0)))
}

/** Uniform among all orthogonal matrices: normal rows made orthonormal (Gram and Schmidt). */
export function orthogonal(n: number, { normal }: Random): Matrix {
  const rows: number[][] = []
  while (rows.length < n) {
    const row = Array.from({ length: n }, normal)
    for (const other of rows) {
      const dot = row.reduce((sum, value, i) => sum + value * other[i]!, 0)
      row.forEach((_, i) => (row[i]! -= dot * other[i]!))
    }
    const norm = Math.hypot(...row)
    if (norm > 1e-6) rows.push(row.map((value) => value / norm))
  }
  return rows
}
