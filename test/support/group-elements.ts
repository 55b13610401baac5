/** Seeded random numbers, random group elements, and the action of a matrix on a tensor power. */
import type { GroupName } from './dense.js'

/** A small seeded generator (mulberry32); good enough for test data, the same everywhere. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** In 0..bound−1. */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound)
  }

  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    return radius * Math.cos(2 * Math.PI * this.uniform())
  }

  normals(count: number): Float64Array {
    return Float64Array.from({ length: count }, () => this.normal())
  }
}

/** Rows orthonormalised in place, twice for accuracy; `inner` is conjugate-free, so rows of complex matrices come as real ones. */
function orthonormalise(rows: Float64Array[]): void {
  for (let pass = 0; pass < 2; pass++) {
    for (const [i, row] of rows.entries()) {
      for (const earlier of rows.slice(0, i)) {
        const dot = row.reduce((sum, value, j) => sum + value * (earlier[j] as number), 0)
        for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) - dot * (earlier[j] as number)
      }
      const norm = Math.hypot(...row)
      for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) / norm
    }
  }
}

export function determinant(matrix: Float64Array, n: number): number {
  const a = Float64Array.from(matrix)
  let product = 1
  for (let c = 0; c < n; c++) {
    let pivot = c
    for (let r = c; r < n; r++) if (Math.abs(a[r * n + c] as number) > Math.abs(a[pivot * n + c] as number)) pivot = r
    if (pivot !== c) {
      product = -product
      for (let j = 0; j < n; j++)
        [a[c * n + j], a[pivot * n + j]] = [a[pivot * n + j] as number, a[c * n + j] as number]
    }
    product *= a[c * n + c] as number
    for (let r = c + 1; r < n; r++) {
      const factor = (a[r * n + c] as number) / (a[c * n + c] as number)
      for (let j = c; j < n; j++) a[r * n + j] = (a[r * n + j] as number) - factor * (a[c * n + j] as number)
    }
  }
  return product
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, flat) => {
    const [i, j] = [Math.floor(flat / n), flat % n]
    let sum = 0
    for (let m = 0; m < n; m++) sum += (a[i * n + m] as number) * (b[m * n + j] as number)
    return sum
  })
}

function orthogonal(n: number, random: Random): Float64Array {
  const rows = Array.from({ length: n }, () => random.normals(n))
  orthonormalise(rows)
  return Float64Array.from(rows.flatMap((row) => [...row]))
}

/** A unitary m×m matrix as a real 2m×2m one: orthogonal and symplectic in the basis 1,1',2,2',…, where multiplication by i sends
 *  e to e'. Each row of normals is orthonormalised together with its image under i, which makes the rows unitary. */
function unitary(n: number, random: Random): Float64Array {
  const rows: Float64Array[] = []
  for (let r = 0; r < n; r += 2) {
    const row = random.normals(n)
    rows.push(row, turned(row))
    orthonormalise(rows)
    rows[r + 1] = turned(rows[r] as Float64Array)
  }
  return Float64Array.from(rows.flatMap((row) => [...row]))
}

const turned = (row: Float64Array): Float64Array =>
  row.map((_, j) => (j % 2 === 0 ? -(row[j + 1] as number) : (row[j - 1] as number)))

/** A random element as an n×n matrix, row-major. Sp: K₁ · diag(a, 1/a, …) · K₂ with 1/2 ≤ a ≤ 2, so its norm is at most 2. */
export function randomElement(group: GroupName, n: number, random: Random): Float64Array {
  if (group === 'S') {
    const image = Array.from({ length: n }, (_, i) => i)
    for (let i = n - 1; i > 0; i--) {
      const j = random.integer(i + 1)
      ;[image[i], image[j]] = [image[j] as number, image[i] as number]
    }
    const g = new Float64Array(n * n)
    image.forEach((to, from) => (g[to * n + from] = 1))
    return g
  }
  if (group === 'Sp') {
    const stretch = new Float64Array(n * n)
    for (let i = 0; i < n; i += 2) {
      const a = 2 ** (2 * random.uniform() - 1)
      stretch[i * n + i] = a
      stretch[(i + 1) * n + i + 1] = 1 / a
    }
    return multiply(multiply(unitary(n, random), stretch, n), unitary(n, random), n)
  }
  const g = orthogonal(n, random)
  if (group === 'SO' && determinant(g, n) < 0) for (let j = 0; j < n; j++) g[j] = -(g[j] as number)
  return g
}

/** g applied to every index of a tensor [n, …, n, channels] (`order` indices). */
export function act(
  g: Float64Array,
  tensor: ArrayLike<number>,
  n: number,
  order: number,
  channels: number,
): Float64Array {
  let current = Float64Array.from(tensor)
  for (let axis = 0; axis < order; axis++) {
    const inner = n ** (order - 1 - axis) * channels
    const next = new Float64Array(current.length)
    for (let outer = 0; outer < n ** axis; outer++) {
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const factor = g[i * n + j] as number
          if (factor === 0) continue
          const [to, from] = [(outer * n + i) * inner, (outer * n + j) * inner]
          for (let c = 0; c < inner; c++)
            next[to + c] = (next[to + c] as number) + factor * (current[from + c] as number)
        }
      }
    }
    current = next
  }
  return current
}

/** The same for a batch of tensors one after the other. */
export function actOnBatch(
  g: Float64Array,
  data: ArrayLike<number>,
  batch: number,
  n: number,
  order: number,
  channels: number,
): Float64Array {
  const size = n ** order * channels
  const all = Float64Array.from(data)
  const moved = new Float64Array(all.length)
  for (let b = 0; b < batch; b++)
    moved.set(act(g, all.subarray(b * size, (b + 1) * size), n, order, channels), b * size)
  return moved
}
