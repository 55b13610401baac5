/** Rows of a partition λ in the transform over d strands of extent n, from its Kostka number for every composition:
 *  Σ over compositions of C(n, parts)·kostka. */
export function orbitRows(n: number, kostka: readonly number[]): number {
  return kostka.reduce((total, copies, code) => total + copies * choose(n, parts(code)), 0)
}

/** Number of distinct values in a multi-index of a composition code. */
export function parts(code: number): number {
  let count = 1
  for (let bits = code; bits > 0; bits >>= 1) count += bits & 1
  return count
}

/** Number of distinct rearrangements of a multi-index of d entries with a composition code. */
export function rearrangements(code: number, d: number): number {
  let result = 1
  let run = 0
  for (let p = 0; p < d; p++) {
    run = p > 0 && ((code >> (p - 1)) & 1) === 0 ? run + 1 : 1
    result = (result * (p + 1)) / run
  }
  return Math.round(result)
}

/** Binomial coefficient, exact below 2^53. */
export function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0
  let result = 1
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * (n - Math.min(k, n - k) + i)) / i
  return Math.round(result)
}

/** Ascending multi-indices i₁ ≤ … ≤ i_d below n, in lexicographic order. */
export function* ascending(n: number, d: number, least = 0): Generator<number[]> {
  if (d === 0) return yield []
  for (let value = least; value < n; value++) for (const rest of ascending(n, d - 1, value)) yield [value, ...rest]
}

/** Distinct rearrangements of a multi-index in lexicographic order. */
export function arrangements(index: readonly number[]): number[][] {
  if (index.length === 0) return [[]]
  const values = [...new Set(index)].sort((a, b) => a - b)
  return values.flatMap((value) => {
    const at = index.indexOf(value)
    return arrangements(index.filter((_, p) => p !== at)).map((rest) => [value, ...rest])
  })
}

/** The composition code of an ascending multi-index: bit p is set where the value after position p is larger. */
export function compositionCode(index: readonly number[]): number {
  return index.reduce((bits, value, p) => (p > 0 && value > index[p - 1]! ? bits | (1 << (p - 1)) : bits), 0)
}

/** Where the square matrix of each composition code starts when they lie back to back. */
export function matrixStarts(d: number): number[] {
  const starts = [0]
  for (let code = 0; code < 2 ** (d - 1); code++) starts.push(starts[code]! + rearrangements(code, d) ** 2)
  return starts
}
