/** Euclidean distance to `wanted` relative to its norm; absolute where `wanted` is zero. NaN where anything is NaN. */
export function relativeError(received: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (received.length !== wanted.length)
    throw new Error(`expected ${wanted.length} values, received ${received.length}`)
  let distance = 0
  let norm = 0
  for (let i = 0; i < wanted.length; i++) {
    const w = wanted[i] as number
    distance += ((received[i] as number) - w) ** 2
    norm += w ** 2
  }
  return Math.sqrt(norm > 0 ? distance / norm : distance)
}

/** Throws unless the relative error is at most `tolerance`. The label says which input failed. */
export function expectClose(
  received: ArrayLike<number>,
  wanted: ArrayLike<number>,
  tolerance: number,
  label: string,
): void {
  if (received.length !== wanted.length) {
    throw new Error(`${label}: expected ${wanted.length} values, received ${received.length}`)
  }
  const error = relativeError(received, wanted)
  if (error <= tolerance) return // false for NaN too
  const some = (values: ArrayLike<number>): string => Array.from(values).slice(0, 6).join(', ')
  throw new Error(
    `${label}: expected relative error at most ${tolerance}, received ${error} (${some(received)}; wanted ${some(wanted)})`,
  )
}

/** The same over a record of arrays taken as one vector. `typical`, asked only where the comparison would fail, is the norm
 *  that such a result usually has: one that happens to cancel is not held against its own tiny norm. */
export function expectRecordsClose(
  received: Readonly<Record<string, ArrayLike<number>>>,
  wanted: Readonly<Record<string, ArrayLike<number>>>,
  tolerance: number,
  label: string,
  typical?: () => number,
): void {
  const names = Object.keys(wanted).sort()
  const got = Object.keys(received).sort()
  if (names.join() !== got.join()) throw new Error(`${label}: expected entries ${names.join()}, received ${got.join()}`)
  for (const name of names) {
    const [a, b] = [received[name] as ArrayLike<number>, wanted[name] as ArrayLike<number>]
    if (a.length !== b.length) throw new Error(`${label}: ${name}: expected ${b.length} values, received ${a.length}`)
  }
  const flat = (record: Readonly<Record<string, ArrayLike<number>>>): number[] =>
    names.flatMap((name) => Array.from(record[name] as ArrayLike<number>))
  const [a, b] = [flat(received), flat(wanted)]
  if (typical && !(relativeError(a, b) <= tolerance)) {
    const distance = Math.hypot(...a.map((value, i) => value - (b[i] as number)))
    if (distance <= tolerance * typical()) return
  }
  expectClose(a, b, tolerance, label)
}
