import { BlockDiagram } from './diagram.js'
import { meet } from './gram.js'
import { partners } from './matching.js'
import { modular } from './modular.js'

/** Sp(n): a matching stays iff it has no n/2+1 mutually nested arcs. Arcs are read in the vertex numbering. */
export function independentSymplectic(diagram: BlockDiagram, n: number): boolean {
  const arcs = arcsOf(diagram)
  const deepest = insertions(arcs.map(([, right]) => right))[0]
  return deepest <= n / 2
}

/** O(n): a matching stays iff it has no n+1 arcs in two colours, those of one colour nested and those of different colours
 *  overlapping. Such arcs overlap in pairs, so some gap between vertices lies under all of them (Helly); and among the arcs over
 *  a gap, the largest union of two nested sets has the length of two rows of a tableau (Greene). */
export function independentOrthogonal(diagram: BlockDiagram, n: number): boolean {
  const arcs = arcsOf(diagram)
  if (arcs.length <= n) return true
  for (let gap = 1; gap < 2 * arcs.length; gap++) {
    const over = arcs.filter(([left, right]) => left < gap && gap <= right).map(([, right]) => right)
    const [first, second] = insertions(over)
    if (first + second > n) return false
  }
  return true
}

/** Arcs [left, right] by left end, vertices from 0. */
function arcsOf(diagram: BlockDiagram): [number, number][] {
  return partners(diagram).flatMap((other, v): [number, number][] => (other > v ? [[v, other]] : []))
}

/** Lengths of the first two rows after row insertion, for decreasing subsequences: one, and the union of two, is longest. */
function insertions(values: readonly number[]): [number, number] {
  const rows: [number[], number[]] = [[], []]
  for (const value of values) {
    let moving = value
    for (const row of rows) {
      const place = row.findIndex((other) => other < moving)
      if (place < 0) {
        row.push(moving)
        break
      }
      const bumped = row[place] as number
      row[place] = moving
      moving = bumped
    }
  }
  return [rows[0].length, rows[1].length]
}

/** The least prime above 2^30. */
const PRIME = 1_073_741_827

/** SO(n), n ≥ 2: positions of the determinant diagrams that stay, from all of them in canonical order. A diagram is a
 *  combination of earlier ones iff its Gram determinant with those that stayed is 0, which is decided modulo a prime. */
export function independentDeterminants(diagrams: readonly BlockDiagram[], n: number, prime = PRIME): number[] {
  const field = modular(prime)
  const { times } = field
  const powers = [1]
  // L·D·Lᵀ of the Gram matrix of the chosen diagrams; all entries share the factor n!, which is left out.
  const chosen: { position: number; partner: number[]; lower: number[]; inverse: number }[] = []
  const entry = (a: readonly number[], b: readonly number[]): number => {
    const met = meet(a, b, n)
    if (met === null) return 0
    while (powers.length <= met.loops) powers.push(times(powers.at(-1) as number, n % prime))
    const power = powers[met.loops] as number
    return met.sign > 0 ? power : prime - power
  }
  for (const [position, diagram] of diagrams.entries()) {
    if (exchanges(diagram, n)) continue
    const partner = partners(diagram)
    const solved: number[] = []
    const lower: number[] = []
    let rest = entry(partner, partner)
    for (const [j, other] of chosen.entries()) {
      let value = entry(partner, other.partner)
      for (let i = 0; i < j; i++) {
        const y = solved[i] as number
        if (y === 0) continue
        value -= times(other.lower[i] as number, y)
        if (value < 0) value += prime
      }
      solved.push(value)
      lower.push(times(value, other.inverse))
      rest -= times(value, lower[j] as number)
      if (rest < 0) rest += prime
    }
    if (rest !== 0) chosen.push({ position, partner, lower, inverse: field.inverse(rest) })
  }
  return chosen.map(({ position }) => position)
}

/** Whether an exchange relation makes a determinant diagram a combination of earlier ones. Antisymmetric tensors in n+1 indices
 *  vanish, so for a pair (a, b) the signed sum of the diagrams in which any vertex v of the free ones and b is the partner of a,
 *  and the others are free, is 0; the last of them in canonical order can go. This spares most of the elimination. */
function exchanges({ word, freeBlock }: BlockDiagram, n: number): boolean {
  const codes = Array.from(word, (unit) => unit.charCodeAt(0))
  const free = codes.flatMap((code, v) => (code === freeBlock ? [v] : []))
  return codes.some((code, b) => {
    if (code === freeBlock) return false
    return free.every((v) => {
      const other = codes.with(b, freeBlock).with(v, code)
      const numbers: number[] = []
      for (const [i, name] of other.entries()) {
        if (!numbers.includes(name)) numbers.push(name)
        const difference = numbers.indexOf(name) - (codes[i] as number)
        if (difference !== 0) return difference < 0
      }
      // Equal words: n = 2, where the lists of free vertices decide.
      return n === 2 && numbers.indexOf(freeBlock) < freeBlock
    })
  })
}
