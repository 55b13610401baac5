/** A pairwise covering choice: few rows such that any two values of any two factors meet in some row. */
import { Random } from './group-elements.js'

export type Factors = Readonly<Record<string, readonly unknown[]>>
export type Row<F extends Factors> = { [K in keyof F]: F[K][number] }

const CANDIDATES = 20

/** Names of all the pairs a row covers, by positions of the values. */
function pairsOf(positions: readonly number[]): string[] {
  const names: string[] = []
  for (let a = 0; a < positions.length; a++) {
    for (let b = a + 1; b < positions.length; b++) names.push(`${a}=${positions[a]},${b}=${positions[b]}`)
  }
  return names
}

/** Greedy: each row starts from a pair not yet met, and is the best of a few random completions. */
export function pairwise<const F extends Factors>(factors: F, seed: number): Row<F>[] {
  const random = new Random(seed)
  const names = Object.keys(factors)
  const sizes = names.map((name) => (factors[name] as readonly unknown[]).length)
  const open = new Map<string, [number, number, number, number]>()
  for (const [a, sizeA] of sizes.entries()) {
    for (const [b, sizeB] of sizes.entries()) {
      if (b <= a) continue
      for (let i = 0; i < sizeA; i++) for (let j = 0; j < sizeB; j++) open.set(`${a}=${i},${b}=${j}`, [a, i, b, j])
    }
  }
  const rows: Row<F>[] = []
  while (open.size > 0) {
    const starts = [...open.values()]
    let best: { positions: number[]; gain: number } | undefined
    for (let candidate = 0; candidate < CANDIDATES; candidate++) {
      const [a, i, b, j] = starts[random.integer(starts.length)] as [number, number, number, number]
      const positions = sizes.map((size) => random.integer(size))
      positions[a] = i
      positions[b] = j
      const gain = pairsOf(positions).filter((pair) => open.has(pair)).length
      if (!best || gain > best.gain) best = { positions, gain }
    }
    const { positions } = best as { positions: number[] }
    for (const pair of pairsOf(positions)) open.delete(pair)
    rows.push(
      Object.fromEntries(
        names.map((name, f) => [name, (factors[name] as readonly unknown[])[positions[f] as number]]),
      ) as Row<F>,
    )
  }
  return rows
}
