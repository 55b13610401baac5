// Young's orthogonal form of S_d (Sagan, "The Symmetric Group", section 2.3 and its orthogonal variant; Pearce-Crump's
// papers use the same basis). Permutations are arrays g with g[p] the 0-based image of p.

/** Partitions of d in reverse lexicographic order: (d) first, (1, …, 1) last. */
export function partitions(d: number): number[][] {
  const result: number[][] = []
  const extend = (left: number, most: number, parts: number[]): void => {
    if (left === 0) result.push(parts)
    for (let part = Math.min(left, most); part >= 1; part--) extend(left - part, part, [...parts, part])
  }
  extend(d, d, [])
  return result
}

/** All permutations of 0 … d−1 in lexicographic order. */
export function permutations(d: number): number[][] {
  if (d === 0) return [[]]
  const result: number[][] = []
  const extend = (prefix: number[], rest: number[]): void => {
    if (rest.length === 0) result.push(prefix)
    for (const next of rest)
      extend(
        [...prefix, next],
        rest.filter((other) => other !== next),
      )
  }
  extend(
    [],
    Array.from({ length: d }, (_, p) => p),
  )
  return result
}

/** Position of a permutation in the lexicographic order. */
export function rank(permutation: readonly number[]): number {
  let result = 0
  permutation.forEach((value, p) => {
    let smaller = 0
    for (let q = p + 1; q < permutation.length; q++) if (permutation[q]! < value) smaller++
    result = result * (permutation.length - p) + smaller
  })
  return result
}

/** Standard tableaux of a shape, each as the row of every entry 1 … d. */
export function standardTableaux(shape: readonly number[]): number[][] {
  const d = shape.reduce((a, b) => a + b, 0)
  const result: number[][] = []
  const filled = shape.map(() => 0)
  const place = (rows: number[]): void => {
    if (rows.length === d) {
      result.push(rows)
      return
    }
    for (let row = 0; row < shape.length; row++) {
      if (filled[row]! < shape[row]! && (row === 0 || filled[row - 1]! > filled[row]!)) {
        filled[row]!++
        place([...rows, row])
        filled[row]!--
      }
    }
  }
  place([])
  return result
}

/** The irreducible representation of a shape: a dimension×dimension row-major orthogonal matrix for each permutation, in
 *  lexicographic order; `matrix(g·h) = matrix(g)·matrix(h)` with (g·h)[p] = g[h[p]]. */
export function representation(shape: readonly number[]): { dimension: number; matrices: Float64Array[] } {
  const d = shape.reduce((a, b) => a + b, 0)
  const tableaux = standardTableaux(shape)
  const dimension = tableaux.length
  const transpositions = Array.from({ length: d - 1 }, (_, i) => adjacent(tableaux, i))
  const identity = new Float64Array(dimension * dimension)
  for (let i = 0; i < dimension; i++) identity[i * dimension + i] = 1

  // Bubble sort writes g as a product of adjacent transpositions: swapping the values at p and p+1 is g·s_p.
  const matrices = permutations(d).map((g) => {
    const work = [...g]
    let matrix: Float64Array = identity
    for (let swapped = true; swapped;) {
      swapped = false
      for (let p = 0; p + 1 < d; p++) {
        if (work[p]! < work[p + 1]!) continue
        ;[work[p], work[p + 1]] = [work[p + 1]!, work[p]!]
        matrix = multiply(transpositions[p]!, matrix, dimension)
        swapped = true
      }
    }
    return matrix
  })
  return { dimension, matrices }
}

/** The matrix of the transposition (i, i+1): on a tableau with axial distance r it is 1/r on the diagonal and √(1−1/r²)
 *  towards the tableau with the two entries exchanged. */
function adjacent(tableaux: readonly number[][], i: number): Float64Array {
  const dimension = tableaux.length
  const index = new Map(tableaux.map((rows, at) => [rows.join(), at]))
  const matrix = new Float64Array(dimension * dimension)
  tableaux.forEach((rows, at) => {
    const distance = content(rows, i + 1) - content(rows, i)
    matrix[at * dimension + at] = 1 / distance
    const exchanged = [...rows]
    ;[exchanged[i], exchanged[i + 1]] = [rows[i + 1]!, rows[i]!]
    const other = index.get(exchanged.join())
    if (other !== undefined && other !== at) matrix[at * dimension + other] = Math.sqrt(1 - 1 / (distance * distance))
  })
  return matrix
}

/** Column minus row of an entry. */
function content(rows: readonly number[], entry: number): number {
  let column = 0
  for (let e = 0; e < entry; e++) if (rows[e] === rows[entry]) column++
  return column - rows[entry]!
}

function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const value = a[i * size + k]!
      if (value === 0) continue
      for (let j = 0; j < size; j++) result[i * size + j]! += value * b[k * size + j]!
    }
  }
  return result
}
