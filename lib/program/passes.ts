import type { Piece } from '../groups/group.js'
import type { Plan, Product, Row, Side, SpaceEntry } from '../plan/plan.js'
import type { Pass } from './builder.js'

/** A tensor-shaped view: a stride for each index, and where channels start. */
export interface View {
  readonly base: number
  readonly strides: readonly number[]
  readonly extents: readonly number[]
  /** Stride of the compact index, 0 where there is none. */
  readonly compact: number
}

/** Strides of a row-major array of rows of `width` values. */
export function rowMajor(extents: readonly number[], width: number): number[] {
  const strides = new Array<number>(extents.length)
  let stride = width
  for (let p = extents.length - 1; p >= 0; p--) {
    strides[p] = stride
    stride *= extents[p]!
  }
  return strides
}

export function tensorSize(entry: SpaceEntry): number {
  return entry.extents.reduce((a, b) => a * b, entry.channels)
}

export function tensorView(entry: SpaceEntry): View {
  return { base: 0, strides: rowMajor(entry.extents, entry.channels), extents: entry.extents, compact: 0 }
}

/** Between [C, indices…] (wide) and [indices…, C] (narrow). */
export function turn(entry: SpaceEntry): Pass {
  const rows = entry.extents.reduce((a, b) => a * b, 1)
  const loops = [
    { extent: rows, wide: 1, narrow: entry.channels },
    { extent: entry.channels, wide: rows, narrow: 1 },
  ]
  return { wideBase: 0, narrowBase: 0, scale: 1, loops }
}

/** The columns of a row in its product's pool: [strands…, compact, pooled width]. */
export function poolView(product: Product, row: Row, pooled: number): View {
  const strides = rowMajor([...product.extents, product.compact], pooled)
  return {
    base: row.column,
    strides: strides.slice(0, -1),
    extents: product.extents,
    compact: product.compact > 1 ? pooled : 0,
  }
}

/** The pass between a row's own pool and what it is computed from (or pushed into). */
export function rowPass(plan: Plan, side: Side, row: Row, pooledOf: (product: Product) => number): Pass {
  const product = plan.products[row.product]!
  const source = row.from < 0 ? undefined : side.rows[row.from]!
  const wide = source
    ? poolView(plan.products[source.product]!, source, pooledOf(plan.products[source.product]!))
    : tensorView(side.tensors[row.tensor]!)
  const narrow = poolView(product, row, pooledOf(product))
  const scale = source ? row.scale / source.scale : row.scale
  return piecesPass(row.fromPieces, wide, narrow, product.compact, side.tensors[row.tensor]!.channels, scale)
}

/** Loops of the pieces of one row: diagonals walk both views, contractions the wide one only. `strands` marks which
 *  positions of the wide view each loop drives. */
export function piecesPass(
  pieces: readonly Piece[],
  wide: View,
  narrow: View,
  compact: number,
  channels: number,
  scale: number,
): Pass {
  const loops: { extent: number; wide: number; narrow: number; alternate?: boolean; strands?: number }[] = []
  let wideBase = wide.base
  let list: [number, number, number][] | undefined
  let strand = 0
  for (const piece of pieces) {
    const along = piece.at.reduce((sum, position) => sum + wide.strides[position]!, 0)
    const mask = piece.at.reduce((bits, position) => bits | (1 << position), 0)
    switch (piece.type) {
      case 'diagonal':
        loops.push({
          extent: wide.extents[piece.at[0]!]!,
          wide: along,
          narrow: narrow.strides[strand++]!,
          strands: mask,
        })
        break
      case 'sum':
        loops.push({ extent: wide.extents[piece.at[0]!]!, wide: along, narrow: 0, strands: mask })
        break
      case 'form': {
        const [left, right] = [wide.strides[piece.at[0]!]!, wide.strides[piece.at[1]!]!]
        wideBase += piece.form.base[0] * left + piece.form.base[1] * right
        for (const { extent, step, alternate } of piece.form.loops)
          loops.push({ extent, wide: step[0] * left + step[1] * right, narrow: 0, alternate })
        break
      }
      case 'list':
        // A product of groups may have several, of which one at most has a compact index.
        list = (list ?? [[0, 0, 1]]).flatMap(([wideAt, narrowAt, sign]) =>
          piece.list.entries.map((entry): [number, number, number] => [
            entry.values.reduce((sum, value, i) => sum + value * wide.strides[piece.at[i]!]!, wideAt),
            narrowAt + entry.compact * narrow.compact,
            sign * entry.sign,
          ]),
        )
    }
  }
  if (compact > 1 && !list) loops.push({ extent: compact, wide: wide.compact, narrow: narrow.compact })
  loops.push({ extent: channels, wide: 1, narrow: 1 })
  return { wideBase, narrowBase: narrow.base, scale, loops, list }
}

/** True where writing the row touches every element of the tensor: one loop per index. */
export function coversTensor(row: Row): boolean {
  return (
    row.from < 0 &&
    row.pieces.every((piece) => (piece.type === 'diagonal' || piece.type === 'sum') && piece.at.length === 1)
  )
}

/** True where every loop is the value of the positions it drives, so that it can be limited to a box. */
export function fitsBoxes(row: Row): boolean {
  return row.pieces.every((piece) => piece.type === 'diagonal' || piece.type === 'sum')
}
