import type { Piece } from '../../../dist/groups/group.js'
import type { Step, Term } from './step.js'
import { entriesOf, flatten, product, tiesOf, tuples } from './values.js'

/** Channels begin … begin + count − 1 of a value over strands, and over the compact index where it is longer than 1. */
export interface Part {
  readonly from: string
  readonly begin: number
  readonly count: number
  readonly extents: readonly number[]
  readonly compact: number
}

/** What an up does with a part, as a term of the output. */
export function upTerm(
  part: Part,
  pieces: readonly Piece[],
  outputExtents: readonly number[],
  fresh: () => string,
  write: (step: Step) => void,
): Term {
  const axes = outputExtents.map(() => -1)
  const strands = pieces.filter(({ type }) => type === 'diagonal')
  strands.forEach(({ at }, strand) => (axes[at[0]!] = strand))
  const ties = pieces.flatMap((piece) => tiesOf(piece, outputExtents[piece.at[0]!]!))
  const lists = pieces.filter(({ type }) => type === 'list')
  const { from, begin, count } = part
  if (lists.length === 0) return { from, begin, count, axes, ties }
  // The signed lists take their values to full axes, zero where there is no entry.
  const places = lists.flatMap(({ at }) => at)
  places.forEach((position, i) => (axes[position] = strands.length + i))
  const shape = [...part.extents.slice(0, strands.length), ...places.map((position) => outputExtents[position]!)]
  const [index, sign] = [new Array<number>(product(shape)).fill(0), new Array<number>(product(shape)).fill(0)]
  let ways: { values: number[]; compact: number; sign: number }[] = [{ values: [], compact: 0, sign: 1 }]
  for (const list of lists) {
    ways = ways.flatMap((way) =>
      entriesOf(list, 0).map(({ values, compact, sign: s }) => {
        return { values: [...way.values, ...values], compact: way.compact + compact, sign: way.sign * s }
      }),
    )
  }
  for (const strand of tuples(shape.slice(0, strands.length))) {
    for (const way of ways) {
      const at = flatten([...strand, ...way.values], shape)
      index[at] = flatten(part.compact > 1 ? [...strand, way.compact] : strand, part.extents)
      sign[at] = way.sign
    }
  }
  const to = fresh()
  write({ op: 'gather', from, begin, count, to, shape, terms: 1, index, sign })
  return { from: to, begin: 0, count, axes, ties }
}

/** Adds small terms to larger ones that vary along all their axes, so that fewer passes over the output are left. */
export function foldTerms(
  terms: readonly Term[],
  extents: readonly number[],
  fresh: () => string,
  write: (step: Step) => void,
): Term[] {
  const size = ({ axes }: Term): number => product(extents.filter((_, position) => axes[position]! >= 0))
  const sorted = terms.toSorted((a, b) => size(a) - size(b))
  const folded = new Map<Term, Term[]>()
  const left: Term[] = []
  sorted.forEach((term, i) => {
    const parts = folded.get(term)
    const whole = parts ? sumOf([term, ...parts], extents, fresh, write) : term
    const host = sorted.slice(i + 1).find((other) => size(other) < product(extents) && covers(other, term))
    if (host) folded.set(host, [...(folded.get(host) ?? []), whole])
    else left.push(whole)
  })
  return left.toReversed()
}

function covers(large: Term, small: Term): boolean {
  const sameTies = JSON.stringify(large.ties) === JSON.stringify(small.ties)
  return sameTies && small.axes.every((axis, position) => axis < 0 || large.axes[position]! >= 0)
}

/** The first term runs along all axes of the sum. */
function sumOf(
  terms: readonly Term[],
  extents: readonly number[],
  fresh: () => string,
  write: (step: Step) => void,
): Term {
  const [{ axes, ties, count }] = terms as [Term, ...Term[]]
  const positions = axes.flatMap((axis, position) => (axis >= 0 ? [position] : []))
  const to = fresh()
  write({
    op: 'add',
    to,
    shape: positions.map((position) => extents[position]!),
    channels: count,
    terms: terms.map((term) => ({ ...term, ties: [], axes: positions.map((position) => term.axes[position]!) })),
  })
  return { from: to, begin: 0, count, axes: axes.map((_, position) => positions.indexOf(position)), ties }
}
