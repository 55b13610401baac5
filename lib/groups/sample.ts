/** Random elements as row-major n×n matrices; `random` is uniform on [0, 1). */

export function permutationMatrix(n: number, random: () => number): Float64Array {
  const image = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[image[i], image[j]] = [image[j] as number, image[i] as number]
  }
  const matrix = new Float64Array(n * n)
  image.forEach((to, from) => (matrix[to * n + from] = 1))
  return matrix
}

/** Haar: the Gram–Schmidt process on independent normal rows, whose distribution every rotation leaves alone. */
export function orthogonalMatrix(n: number, random: () => number): Float64Array {
  return flat(
    orthonormal(
      Array.from({ length: n }, () => normals(n, random)),
      (row) => [row],
    ),
  )
}

/** Haar: an orthogonal matrix with its first row turned where the determinant is −1. */
export function rotationMatrix(n: number, random: () => number): Float64Array {
  const matrix = orthogonalMatrix(n, random)
  if (determinantSign(matrix, n) < 0) for (let j = 0; j < n; j++) matrix[j] = -(matrix[j] as number)
  return matrix
}

/** K · diag(a, 1/a, …) · K' with K, K' Haar on the orthogonal symplectic matrices and 1/2 ≤ a ≤ 2, so the norm is at most 2. */
export function symplecticMatrix(n: number, random: () => number): Float64Array {
  const [left, right] = [unitary(n, random), unitary(n, random)]
  const stretch = Array.from({ length: n / 2 }, () => 2 ** (2 * random() - 1))
  const matrix = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let m = 0; m < n; m++) {
      const a = stretch[m >> 1] as number
      const factor = (left[i * n + m] as number) * (m % 2 === 0 ? a : 1 / a)
      for (let j = 0; j < n; j++)
        matrix[i * n + j] = (matrix[i * n + j] as number) + factor * (right[m * n + j] as number)
    }
  }
  return matrix
}

/** A unitary matrix in real form: in the basis 1,1',2,2',… multiplication by i sends each index to its primed one, and the
 *  orthogonal matrices that commute with it are the symplectic ones among them. */
function unitary(n: number, random: () => number): Float64Array {
  const turn = (row: Float64Array): Float64Array =>
    row.map((_, j) => (j % 2 === 0 ? -(row[j + 1] as number) : (row[j - 1] as number)))
  const rows = Array.from({ length: n / 2 }, () => normals(n, random))
  return flat(orthonormal(rows, (row) => [row, turn(row)]))
}

/** Orthonormal rows; `span` gives, for a unit row, the orthonormal rows that it brings along, itself first. */
function orthonormal(rows: readonly Float64Array[], span: (row: Float64Array) => Float64Array[]): Float64Array[] {
  const done: Float64Array[] = []
  for (const row of rows) {
    // A second pass restores the digits that cancellation takes from the first one.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of done) {
        const dot = row.reduce((total, value, j) => total + value * (other[j] as number), 0)
        for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) - dot * (other[j] as number)
      }
      const norm = Math.hypot(...row)
      for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) / norm
    }
    done.push(...span(row))
  }
  return done
}

function normals(count: number, random: () => number): Float64Array {
  return Float64Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()))
    return radius * Math.cos(2 * Math.PI * random())
  })
}

function flat(rows: readonly Float64Array[]): Float64Array {
  const matrix = new Float64Array(rows.length * rows.length)
  rows.forEach((row, i) => matrix.set(row, i * rows.length))
  return matrix
}

function determinantSign(matrix: Float64Array, n: number): number {
  const a = Array.from({ length: n }, (_, i) => matrix.slice(i * n, (i + 1) * n))
  let sign = 1
  for (let c = 0; c < n; c++) {
    let pivot = c
    for (let r = c + 1; r < n; r++) if (Math.abs(a[r]![c]!) > Math.abs(a[pivot]![c]!)) pivot = r
    if (pivot !== c) {
      ;[a[c], a[pivot]] = [a[pivot]!, a[c]!]
      sign = -sign
    }
    if (a[c]![c]! < 0) sign = -sign
    for (let r = c + 1; r < n; r++) {
      const factor = a[r]![c]! / a[c]![c]!
      for (let j = c; j < n; j++) a[r]![j]! -= factor * a[c]![j]!
    }
  }
  return sign
}
