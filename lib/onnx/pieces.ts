import type { Form, Piece } from '../groups/group.js'
import type { Graph, Value } from './graph.js'

// A row of a diagram as nodes. A view has an axis for every position of the row, one for the compact index where it has one, and the
// channels last; so has a value over strands, an axis for each of them.

/** What the pieces leave of a view: diagonals read, sums, forms and signed lists contracted.
 *  view [positions…, compact?, C] -> [strands…, compact?, C] */
export function contract(graph: Graph, view: Value, pieces: readonly Piece[]): Value {
  const positions = pieces.reduce((count, piece) => count + piece.at.length, 0)
  // In an order of their own, so that the rows that differ in the order of their strands alone share what can be shared.
  const sorted = pieces.toSorted((a, b) => (a.at[0] ?? -1) - (b.at[0] ?? -1))
  const rest = view.shape.slice(positions)
  let value = graph.transpose(view, [
    ...sorted.flatMap((piece) => piece.at),
    ...rest.map((_, axis) => positions + axis),
  ])
  const merged = sorted.map(({ at }) => at.reduce((size, position) => size * view.shape[position]!, 1))
  value = graph.reshape(value, [...merged, ...rest])
  const summed: number[] = []
  let listed = -1
  sorted.forEach((piece, axis) => {
    const extents = piece.at.map((position) => view.shape[position]!)
    if (piece.type === 'list') {
      const { size, entries } = piece.list
      value = signed(graph, value, axis, entries, extents)
      const shape = [...value.shape.slice(0, axis), size, entries.length / size, ...value.shape.slice(axis + 1)]
      value = graph.sum(graph.reshape(value, shape), [axis + 1])
      if (size > 1) listed = axis
      else summed.push(axis)
      return
    }
    if (piece.type === 'form') value = signed(graph, value, axis, entriesOf(piece.form), extents)
    else if (piece.at.length > 1) value = graph.gather(value, axis, diagonal(extents))
    if (piece.type !== 'diagonal') summed.push(axis)
  })
  value = graph.sum(value, summed)
  const kept = sorted.filter((piece, axis) => piece.type === 'diagonal' || axis === listed)
  const order = pieces.filter((piece) => piece.type === 'diagonal').map((piece) => kept.indexOf(piece))
  if (listed >= 0) order.push(kept.indexOf(sorted[listed]!))
  const last = rest.map((_, axis) => kept.length + axis)
  return graph.transpose(value, [...order, ...last])
}

/** The adjoint: what the pieces make of a value, as a term of a sum over the view; extents along which it stays the same are 1.
 *  value [strands…, compact?, C] -> [positions…, compact?, C] */
export function spread(graph: Graph, value: Value, pieces: readonly Piece[], extents: readonly number[]): Value {
  const strands = pieces.filter((piece) => piece.type === 'diagonal')
  const lists = pieces.filter((piece) => piece.type === 'list')
  const axisOf = extents.map(() => -1)
  strands.forEach((piece, strand) => (axisOf[piece.at[0]!] = strand))
  let result = value
  // Lists that have no compact index of their own multiply by signs that do not depend on the value.
  const factors: { at: readonly number[]; entries: readonly Entry[] }[] = []
  const long = lists.find((piece) => piece.list.size > 1)
  if (long) {
    const sizes = long.at.map((position) => extents[position]!)
    const size = sizes.reduce((a, b) => a * b, 1)
    const [index, sign] = [new Array<number>(size).fill(0), new Array<number>(size).fill(0)]
    for (const entry of long.list.entries) {
      const at = flat(entry.values, sizes)
      index[at] = entry.compact
      sign[at] = entry.sign
    }
    result = graph.gather(result, strands.length, index)
    result = graph.multiply(result, graph.constant(sign, [size, 1]))
    result = graph.reshape(result, [...result.shape.slice(0, strands.length), ...sizes, ...result.shape.slice(strands.length + 1)]) // prettier-ignore
    long.at.forEach((position, i) => (axisOf[position] = strands.length + i))
  }
  for (const piece of pieces) {
    if (piece.type === 'form') factors.push({ at: piece.at, entries: entriesOf(piece.form) })
    else if (piece.type === 'list') {
      if (piece !== long) factors.push({ at: piece.at, entries: piece.list.entries })
    } else {
      const [first, ...others] = piece.at
      const equal = Array.from({ length: extents[first!]! }, (_, i): Entry => ({ values: [i, i], sign: 1 }))
      for (const other of others) factors.push({ at: [first!, other], entries: equal })
    }
  }
  const placed = axisOf.filter((axis) => axis >= 0)
  const rest = result.shape.slice(placed.length)
  result = graph.transpose(result, [...placed, ...rest.map((_, axis) => placed.length + axis)])
  const shape = axisOf.map((axis) => (axis < 0 ? 1 : result.shape[placed.indexOf(axis)]!))
  result = graph.reshape(result, [...shape, ...rest])
  for (const { at, entries } of factors) {
    const table = extents.map((extent, position) => (at.includes(position) ? extent : 1))
    const numbers = new Array<number>(table.reduce((a, b) => a * b, 1)).fill(0)
    for (const { values, sign } of entries) {
      const place = extents.map((_, position) => values[at.indexOf(position)] ?? 0)
      numbers[flat(place, table)] = sign
    }
    result = graph.multiply(result, graph.constant(numbers, [...table, ...rest.map(() => 1)]))
  }
  return result
}

/** Values at the positions of a piece, with the sign that couples them. */
interface Entry {
  readonly values: readonly number[]
  readonly sign: number
}

/** The entries of a table, times their signs, along a merged axis. */
function signed(
  graph: Graph,
  value: Value,
  axis: number,
  entries: readonly Entry[],
  extents: readonly number[],
): Value {
  const taken = graph.gather(value, axis, entries.map(({ values }) => flat(values, extents))) // prettier-ignore
  if (entries.every(({ sign }) => sign === 1)) return taken
  const ones = taken.shape.slice(axis + 1).map(() => 1)
  return graph.multiply(taken, graph.constant(entries.map(({ sign }) => sign), [entries.length, ...ones])) // prettier-ignore
}

function entriesOf(form: Form): Entry[] {
  let entries: Entry[] = [{ values: form.base, sign: 1 }]
  for (const { extent, step, alternate } of form.loops) {
    entries = entries.flatMap(({ values, sign }) =>
      Array.from({ length: extent }, (_, t) => ({
        values: values.map((value, i) => value + t * step[i]!),
        sign: alternate && t % 2 === 1 ? -sign : sign,
      })),
    )
  }
  return entries
}

/** The flat places of equal values. */
function diagonal(extents: readonly number[]): number[] {
  return Array.from({ length: extents[0]! }, (_, i) => flat(extents.map(() => i), extents)) // prettier-ignore
}

/** The place of some values, row-major. */
function flat(values: readonly number[], extents: readonly number[]): number {
  return values.reduce((place, value, i) => place * extents[i]! + value, 0)
}
