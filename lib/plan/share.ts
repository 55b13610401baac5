import type { Class, Factored, Part } from './factor.js'
import type { Plan, PlanRequest, Product, Row, Side } from './plan.js'
import { fourierPays } from './cost.js'
import { transformableKind } from './fourier.js'
import { isIdentity, linkRows } from './rows.js'
import { rank } from './young.js'

/** Gathers the factored diagrams into products, places rows in them, and computes one row from another. */
export function share(request: PlanRequest, factored: Factored): Pick<Plan, 'bottom' | 'top' | 'products'> {
  const bottom: Side = { tensors: request.inputs, rows: [] }
  const top: Side = { tensors: request.outputs, rows: [] }
  const products: Product[] = []
  for (const cls of factored.classes) {
    for (const terms of components(cls))
      products.push(build(request, factored, cls, terms, bottom, top, products.length))
  }
  if (request.steps.share !== false) {
    linkRows(request.group, bottom, products)
    linkRows(request.group, top, products)
  }
  return { bottom, top, products }
}

/** The terms of a class, split where no down reaches an up of another part: independent products are cheaper. Ups that only
 *  a bias reaches join the first part. */
function components(cls: Class): number[][] {
  const parent = new Map<number, number>()
  const find = (node: number): number => {
    let root = node
    for (let next = parent.get(root); next !== undefined && next !== root; next = parent.get(root)) root = next
    parent.set(node, root)
    return root
  }
  for (let t = 0; t < cls.terms.length; t += 5) {
    // Downs are even nodes, ups odd ones; a bias only names its up.
    const up = find(2 * cls.terms[t + 3]! + 1)
    if (cls.terms[t + 2]! >= 0) parent.set(find(2 * cls.terms[t + 2]!), up)
  }
  const parts = new Map<number, number[]>()
  for (let t = 0; t < cls.terms.length; t += 5) {
    const root = find(2 * cls.terms[t + 3]! + 1)
    const part = parts.get(root)
    if (part) part.push(t)
    else parts.set(root, [t])
  }
  return [...parts.values()]
}

function build(
  request: PlanRequest,
  factored: Factored,
  cls: Class,
  terms: readonly number[],
  bottom: Side,
  top: Side,
  index: number,
): Product {
  const { group, steps } = request
  const size = cls.strands.reduce((all, d, kind) => all * group.kinds[kind]!.n ** d, cls.compact)
  const kind = transformableKind(cls.strands)
  const allowed = kind >= 0 && steps.classes !== false && steps.fourier !== false && hasDiagrams(cls, terms)
  const forced = allowed && steps.fourier === true
  const fourier = allowed && (forced || fourierPays(request, factored, cls, terms, kind, size)) ? kind : -1

  const first = cls.strands.slice(0, Math.max(fourier, 0)).reduce((a, b) => a + b, 0)
  const count = fourier < 0 ? 0 : cls.strands[fourier]!
  // The transformed kind keeps its permutation in the weights; the strands of other kinds are permuted in the down.
  const inWeights = cls.sigmas.map((sigma) => rank(sigma.slice(first, first + count).map((strand) => strand - first)))
  const inDown = cls.sigmas.map((sigma) => sigma.map((strand, p) => (p >= first && p < first + count ? p : strand)))

  const downs = new Placement(bottom, index, fourier >= 0)
  const ups = new Placement(top, index, fourier >= 0)
  const entries = terms.map((t) => {
    const [pair, diagram, down, up, sigma] = cls.terms.slice(t, t + 5) as [number, number, number, number, number]
    const low = down < 0 ? -1 : downs.place(factored.downs[down]!, down, inDown[sigma]!, request.mean)
    return [pair, diagram, low, ups.place(factored.ups[up]!, up, undefined, false), inWeights[sigma]!]
  })
  const low = downs.finish()
  const high = ups.finish()
  return {
    strands: cls.strands,
    extents: cls.strands.flatMap((d, at) => new Array<number>(d).fill(group.kinds[at]!.n)),
    compact: cls.compact,
    size,
    bottom: low.rows,
    top: high.rows,
    pooled: [low.pooled, high.pooled],
    inner: low.columns,
    cols: high.columns,
    fourier,
    split: steps.classes === false,
    terms: Int32Array.from(
      entries.flatMap(([pair, diagram, d, u, sigma]) => [
        pair!,
        diagram!,
        d! < 0 ? -1 : low.order[d!]!,
        high.order[u!]!,
        sigma!,
      ]),
    ),
  }
}

function hasDiagrams(cls: Class, terms: readonly number[]): boolean {
  return terms.some((t) => cls.terms[t + 2]! >= 0)
}

/** Collects the rows of one side of a product and orders their columns. */
class Placement {
  readonly #side: Side
  readonly #product: number
  readonly #transformed: boolean
  readonly #index = new Map<string, number>()
  readonly #rows: Row[] = []

  constructor(side: Side, product: number, transformed: boolean) {
    this.#side = side
    this.#product = product
    this.#transformed = transformed
  }

  /** The position of a part, its strands reordered by sigma, among the rows of this product. */
  place(part: Part, id: number, sigma: readonly number[] | undefined, mean: boolean): number {
    const moved = sigma?.some((strand, p) => strand !== p) ? sigma : undefined
    const key = `${id}/${moved?.join() ?? ''}`
    const found = this.#index.get(key)
    if (found !== undefined) return found
    const pieces = moved
      ? part.pieces.map((piece, p) => (p < moved.length ? part.pieces[moved[p]!]! : piece))
      : part.pieces
    const { extents } = this.#side.tensors[part.tensor]!
    const divided = mean ? pieces.filter((piece) => piece.type === 'sum' || piece.type === 'form') : []
    const scale = divided.reduce((all, piece) => all / extents[piece.at[0]!]!, 1)
    const direct = this.#transformed
      ? pieces.every((piece) => piece.type === 'diagonal')
      : isIdentity(pieces, extents.length)
    const row: Row = {
      tensor: part.tensor,
      pieces,
      scale,
      direct,
      column: 0,
      product: this.#product,
      from: -1,
      fromPieces: pieces,
    }
    const at = this.#rows.push(row) - 1
    this.#index.set(key, at)
    return at
  }

  finish(): { rows: number[]; order: number[]; pooled: number; columns: number } {
    const sorted = this.#rows
      .map((row, at) => ({ row, at }))
      .sort((a, b) => Number(a.row.direct) - Number(b.row.direct) || a.row.tensor - b.row.tensor || a.at - b.at)
    const order = new Array<number>(sorted.length)
    const rows: number[] = []
    let columns = 0
    let pooled = 0
    sorted.forEach(({ row, at }, position) => {
      order[at] = position
      row.column = columns
      columns += this.#side.tensors[row.tensor]!.channels
      if (!row.direct) pooled = columns
      rows.push(this.#side.rows.push(row) - 1)
    })
    return { rows, order, pooled, columns }
  }
}
