/** Elimination modulo a prime. Rows independent modulo p are independent over Q; the other direction could only fail if p
 *  divided every maximal minor, and the known dimensions are tested besides. */

/** The largest prime below 2^26: products of two residues are exact in a double. */
const PRIME = 67_108_859

// Looking up a global is slow inside jest, so hot loops do not.
const { isInteger } = Number
const { floor } = Math

/** Exact for |value| < 2^53; the rounded quotient is off by one at most. Far faster than `%` on doubles. */
function residue(value: number): number {
  const rest = value - floor(value / PRIME) * PRIME
  return rest < 0 ? rest + PRIME : rest >= PRIME ? rest - PRIME : rest
}

function inverse(value: number): number {
  let [r0, r1, t0, t1] = [PRIME, value, 0, 1]
  while (r1 !== 0) {
    const quotient = Math.floor(r0 / r1)
    ;[r0, r1] = [r1, r0 - quotient * r1]
    ;[t0, t1] = [t1, t0 - quotient * t1]
  }
  return residue(t0)
}

/** Equal columns do not change which rows depend on earlier ones, and diagram matrices have very few distinct columns. */
function distinctColumns(rows: readonly ArrayLike<number>[]): Float64Array[] {
  const width = rows[0]?.length ?? 0
  const seen = new Map<string, number>()
  const column = new Int32Array(rows.length)
  for (let j = 0; j < width; j++) {
    for (let i = 0; i < rows.length; i++) {
      const value = (rows[i] as ArrayLike<number>)[j] as number
      if (!isInteger(value)) throw new Error(`rank: expected integers, received ${value}`)
      column[i] = residue(value)
    }
    const name = Buffer.from(column.buffer).toString('latin1')
    if (!seen.has(name)) seen.set(name, j)
  }
  const kept = [...seen.values()]
  return rows.map((row) => Float64Array.from(kept, (j) => residue(row[j] as number)))
}

/** Indices of the rows (integer entries) that are no combination of earlier rows. */
export function greedyRows(rows: readonly ArrayLike<number>[]): number[] {
  const chosen: number[] = []
  const pivots: { column: number; row: Float64Array }[] = []
  for (const [index, row] of distinctColumns(rows).entries()) {
    for (const pivot of pivots) {
      const factor = row[pivot.column] as number
      if (factor === 0) continue
      const source = pivot.row
      for (let j = pivot.column; j < row.length; j++) {
        row[j] = residue((row[j] as number) - factor * (source[j] as number))
      }
    }
    const column = row.findIndex((value) => value !== 0)
    if (column < 0) continue
    const scale = inverse(row[column] as number)
    for (let j = column; j < row.length; j++) row[j] = residue((row[j] as number) * scale)
    pivots.push({ column, row })
    chosen.push(index)
  }
  return chosen
}
