import type { Piece } from '../../../dist/groups/group.js'
import type { Line, Tie } from './step.js'

/** One term of a contraction, or one place of its adjoint: the values at the piece's positions. */
export interface Entry {
  readonly values: readonly number[]
  readonly compact: number
  readonly sign: number
}

/** Everything that a piece couples, where its positions have this extent. */
export function entriesOf(piece: Piece, extent: number): readonly Entry[] {
  switch (piece.type) {
    case 'list':
      return piece.list.entries
    case 'form':
      return linesOf(piece, extent).flatMap(({ start, step, count, sign }) =>
        Array.from({ length: count }, (_, t) => {
          return { values: [start[0] + t * step[0], start[1] + t * step[1]], compact: 0, sign }
        }),
      )
    default:
      return Array.from({ length: extent }, (_, i) => ({ values: piece.at.map(() => i), compact: 0, sign: 1 }))
  }
}

/** A bilinear form as signed diagonal lines: its first loop runs along a line, the others begin new ones. */
function linesOf(piece: Piece, extent: number): Line[] {
  if (piece.type !== 'form') return [{ start: [0, 0], step: [1, 1], count: extent, sign: 1 }]
  const [along, ...others] = piece.form.loops
  let lines: Line[] = [{ start: piece.form.base, step: along!.step, count: along!.extent, sign: 1 }]
  for (const { extent: count, step, alternate } of others) {
    lines = lines.flatMap((line) =>
      Array.from({ length: count }, (_, t): Line => {
        const start = [line.start[0] + t * step[0], line.start[1] + t * step[1]] as const
        return { ...line, start, sign: alternate && t % 2 === 1 ? (line.sign === 1 ? -1 : 1) : line.sign }
      }),
    )
  }
  return lines
}

/** The ties of a piece of an up: a chain over its positions. */
export function tiesOf(piece: Piece, extent: number): Tie[] {
  if (piece.type === 'list') return []
  return piece.at.slice(1).map((position, i) => ({ at: [piece.at[i]!, position], lines: linesOf(piece, extent) }))
}

/** All index tuples of these extents, row-major. */
export function* tuples(extents: readonly number[]): Generator<number[]> {
  for (let flat = 0; flat < product(extents); flat++) {
    const tuple = new Array<number>(extents.length)
    for (let axis = extents.length - 1, rest = flat; axis >= 0; axis--) {
      tuple[axis] = rest % extents[axis]!
      rest = Math.floor(rest / extents[axis]!)
    }
    yield tuple
  }
}

/** The position of a tuple, row-major. */
export function flatten(tuple: readonly number[], extents: readonly number[]): number {
  return tuple.reduce((flat, value, axis) => flat * extents[axis]! + value, 0)
}

export function product(extents: readonly number[]): number {
  return extents.reduce((a, b) => a * b, 1)
}
