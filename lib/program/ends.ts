import { transform } from '../plan/fourier.js'
import type { Plan, Product, Row, Side, SpaceEntry } from '../plan/plan.js'
import { isIdentity } from '../plan/rows.js'
import type { Builder } from './builder.js'
import {
  coversTensor,
  fitsBoxes,
  poolView,
  rowMajor,
  rowPass,
  tensorSize,
  tensorView,
  turn,
  type View,
} from './passes.js'
import { boxable, firstTransformed, transformedSize, transformRows, type Segment } from './products.js'

/** One side of a plan in one program: its tensors, the pools of its products, and the passes between them. A source is read
 *  into the pools, a target is written from them; every element of a target is first set, then added to. */
export class Ends {
  readonly #b: Builder
  readonly #plan: Plan
  readonly #side: Side
  readonly #which: 0 | 1
  readonly #prefix: string
  readonly #tensors: readonly number[]
  readonly #pools = new Map<number, number>()
  readonly #read = new Set<number>()
  /** Target only: tensors whose elements are all defined, rows already passed on, products already computed. */
  readonly #begun = new Set<number>()
  readonly #passed = new Set<number>()
  /** Tensors that some write covers wholly. */
  readonly #coverable = new Set<number>()
  readonly #computed = new Set<number>()
  readonly #children = new Map<number, number[]>()
  readonly #sections = new Map<number, number>()
  readonly #turned: [number, number, SpaceEntry][] = []

  /** @param prefix of the names of its buffers, where the program has this side twice */
  constructor(b: Builder, plan: Plan, side: 'bottom' | 'top', role: 'source' | 'target', prefix = '') {
    this.#b = b
    this.#plan = plan
    this.#side = plan[side]
    this.#which = side === 'bottom' ? 0 : 1
    this.#prefix = prefix
    const letter = `${prefix}${side === 'bottom' ? 'x' : 'y'}`
    const given = this.#side.tensors.map((entry) =>
      b.buffer(`${letter}${entry.order}`, role === 'source' ? 'input' : 'output', 'item', tensorSize(entry)),
    )
    // Channels-first operands are turned around on the way in and out; inside, channels are last.
    this.#tensors = given.map((operand, t) => {
      const entry = this.#side.tensors[t]!
      if (!plan.channelsFirst || entry.channels === 1 || entry.extents.length === 0) return operand
      const turned = b.scratch(`${letter}${entry.order}'`, tensorSize(entry))
      if (role === 'source') b.read(turn(entry), operand, turned, true)
      else this.#turned.push([turned, operand, entry])
      return turned
    })
    this.#side.rows.forEach((row, at) => {
      if (row.from < 0) return
      const siblings = this.#children.get(row.from)
      if (siblings) siblings.push(at)
      else this.#children.set(row.from, [at])
    })
  }

  // -- both roles ---------------------------------------------------------------------------------------------------

  /** The columns of a product's side: its pool, then each direct row. A split product has one segment per row. */
  segments(p: number): Segment[] {
    const product = this.#plan.products[p]!
    const rows = this.#rows(product)
    const pooled = product.pooled[this.#which]
    const pool: Segment[] = []
    const direct: Segment[] = []
    rows.forEach((at, position) => {
      const row = this.#side.rows[at]!
      const count = this.#side.tensors[row.tensor]!.channels
      const common = { column: row.column, count, rows: [position], tensor: row.tensor }
      if (row.direct) direct.push({ buffer: this.#tensors[row.tensor]!, base: 0, stride: count, ...common })
      else pool.push({ buffer: this.#pool(p), base: row.column, stride: pooled, ...common, tensor: -1 })
    })
    if (product.split || pool.length === 0) return [...pool, ...direct]
    const whole = {
      buffer: this.#pool(p),
      base: 0,
      stride: pooled,
      column: 0,
      count: pooled,
      rows: pool.map((_, position) => position),
      tensor: -1,
    }
    return [whole, ...direct]
  }

  /** Row buffers of a transformed product, one per λ: [rows, other strands…, compact, dimension, columns]. */
  orbitBuffers(p: number, section: number | undefined): number[] {
    const product = this.#plan.products[p]!
    const d = product.strands[product.fourier]!
    const others = product.size / transformedSize(product)
    return transform(d).lambdas.map(({ dimension, partition }, λ) => {
      const width = dimension * this.#columns(product)
      const name = `${this.#prefix}${this.#which ? 'q' : 'r'}${p}(${partition.join()})`
      return this.#b.scratch(
        name,
        transformRows(product, d, λ) * others * width,
        section === undefined ? undefined : { section, lambda: λ, width },
      )
    })
  }

  #rows(product: Product): readonly number[] {
    return this.#which ? product.top : product.bottom
  }

  #columns(product: Product): number {
    return this.#which ? product.cols : product.inner
  }

  readonly #pooledOf = (product: Product): number => product.pooled[this.#which]

  #pool(p: number): number {
    let buffer = this.#pools.get(p)
    if (buffer === undefined) {
      const product = this.#plan.products[p]!
      buffer = this.#b.scratch(`${this.#prefix}${this.#which ? 'z' : 't'}${p}`, product.size * this.#pooledOf(product))
      this.#pools.set(p, buffer)
    }
    return buffer
  }

  /** What a row is computed from (or pushed into): another row's pool or the tensor. */
  #wide(row: Row): number {
    return row.from < 0 ? this.#tensors[row.tensor]! : this.#pool(this.#side.rows[row.from]!.product)
  }

  #orbits(
    p: number,
    buffers: readonly number[],
    form: 'forward' | 'inverse',
    set: (row: Row | undefined) => boolean,
  ): void {
    const product = this.#plan.products[p]!
    const pooled = this.#pooledOf(product)
    if (pooled > 0) {
      const view = poolView(product, { column: 0 } as Row, pooled)
      this.#orbit(product, this.#pool(p), view, pooled, 0, buffers, form, set(undefined))
    }
    for (const at of this.#rows(product)) {
      const row = this.#side.rows[at]!
      if (!row.direct) continue
      const entry = this.#side.tensors[row.tensor]!
      const tensor = tensorView(entry)
      const strides = row.pieces.map((piece) => piece.at.reduce((sum, position) => sum + tensor.strides[position]!, 0))
      const view = { base: 0, strides, extents: product.extents, compact: 0 }
      this.#orbit(product, this.#tensors[row.tensor]!, view, entry.channels, row.column, buffers, form, set(row))
    }
  }

  #orbit(
    product: Product,
    buffer: number,
    view: View,
    channels: number,
    column: number,
    buffers: readonly number[],
    form: 'forward' | 'inverse',
    set: boolean,
  ): void {
    const first = firstTransformed(product)
    const d = product.strands[product.fourier]!
    const { lambdas, matrices } = transform(d)
    const columns = this.#columns(product)
    const outer = product.extents.flatMap((extent, p) =>
      p < first || p >= first + d ? [{ extent, stride: view.strides[p]! }] : [],
    )
    if (product.compact > 1) outer.push({ extent: product.compact, stride: view.compact })
    const rowStrides = lambdas.map(({ dimension }) =>
      rowMajor([0, ...outer.map((loop) => loop.extent)], dimension * columns),
    )
    this.#b.push({
      op: 'orbit',
      form,
      strands: buffer,
      base: view.base,
      strides: view.strides.slice(first, first + d),
      n: product.extents[first]!,
      set,
      matrices: this.#b.constants(matrices),
      lambdas: lambdas.map(({ dimension, kostka }, λ) => ({
        buffer: buffers[λ]!,
        base: column,
        rowStride: rowStrides[λ]![0]!,
        unitStride: columns,
        dimension,
        kostka,
      })),
      loops: [
        ...outer.map(({ extent, stride }, i) => ({
          extent,
          strands: stride,
          rows: rowStrides.map((strides) => strides[i + 1]!),
        })),
        { extent: channels, strands: 1, rows: lambdas.map(() => 1) },
      ],
    })
  }

  // -- source -------------------------------------------------------------------------------------------------------

  /** Fills the pool of a product, and first those pools that it is computed from. */
  read(p: number): void {
    const product = this.#plan.products[p]!
    for (const at of this.#rows(product)) this.#readRow(at)
  }

  #readRow(at: number): void {
    const row = this.#side.rows[at]!
    if (row.direct || this.#read.has(at)) return
    this.#read.add(at)
    if (row.from >= 0) this.#readRow(row.from)
    const product = this.#plan.products[row.product]!
    const pass = rowPass(this.#plan, this.#side, row, this.#pooledOf)
    const pool = this.#pool(row.product)
    const channels = this.#side.tensors[row.tensor]!.channels
    if (pass.list) this.#b.zero(pool, channels, row.column, product.size, this.#pooledOf(product))
    this.#b.read(pass, this.#wide(row), pool, true)
  }

  /** Transforms all columns of a product into fresh row buffers. */
  toOrbits(p: number, section: number | undefined): number[] {
    const buffers = this.orbitBuffers(p, section)
    this.#orbits(p, buffers, 'forward', () => true)
    return buffers
  }

  /** weights[bias…] += the columns, for a product without strands. */
  biasGradient(p: number, weights: number, offset: number): void {
    for (const { buffer, base, column, count } of this.segments(p)) {
      this.#b.read(
        { wideBase: base, narrowBase: offset + column, scale: 1, loops: [{ extent: count, wide: 1, narrow: 1 }] },
        buffer,
        weights,
        false,
      )
    }
  }

  // -- target -------------------------------------------------------------------------------------------------------

  /** Transformed products that set every element of a tensor: the boxes of such a product carry all writes to that tensor.
   *  From product to tensor, fewer strands first, since a row with more strands may lie in the pool of one with fewer. */
  sections(): ReadonlyMap<number, number> {
    const taken = new Set<number>()
    const found: [number, number][] = []
    this.#plan.products.forEach((product, p) => {
      if (!boxable(product) || product.inner === 0) return
      const row = this.#rows(product)
        .map((at) => this.#side.rows[at]!)
        .find((candidate) => this.#isWhole(candidate) && !taken.has(candidate.tensor))
      if (!row) return
      taken.add(row.tensor)
      found.push([p, row.tensor])
    })
    found.sort((a, b) => this.#plan.products[a[0]]!.extents.length - this.#plan.products[b[0]]!.extents.length)
    found.forEach(([p, tensor]) => this.#sections.set(p, tensor))
    return this.#sections
  }

  /** Products that define a whole tensor come first, so that no tensor need be zeroed. */
  productOrder(): number[] {
    const begins = new Set<number>()
    this.#plan.products.forEach((product, p) => {
      for (const at of this.#rows(product)) {
        const row = this.#side.rows[at]!
        const whole = row.direct ? this.#isWhole(row) : coversTensor(row) && !this.#children.has(at)
        if (!whole || this.#coverable.has(row.tensor)) continue
        this.#coverable.add(row.tensor)
        begins.add(p)
      }
    })
    const all = this.#plan.products.map((_, p) => p)
    return [...all.filter((p) => begins.has(p)), ...all.filter((p) => !begins.has(p))]
  }

  #isWhole(row: Row): boolean {
    return row.direct && isIdentity(row.pieces, this.#side.tensors[row.tensor]!.extents.length)
  }

  /** Whether the next write to a tensor may set it; a tensor that is not about to be covered is zeroed. */
  #begin(tensor: number, covers: boolean): boolean {
    if (this.#begun.has(tensor)) return false
    this.#begun.add(tensor)
    if (!covers) this.#b.zero(this.#tensors[tensor]!, tensorSize(this.#side.tensors[tensor]!))
    return covers
  }

  /** `set` for the first product into a segment. */
  beginDirect(segment: Segment): boolean {
    return segment.tensor < 0 || this.#begin(segment.tensor, true)
  }

  /** Zeroes what a product without input would leave undefined. */
  clear(p: number): void {
    const product = this.#plan.products[p]!
    if (this.#pooledOf(product) > 0) this.#b.zero(this.#pool(p), product.size * this.#pooledOf(product))
    for (const at of this.#rows(product)) {
      const row = this.#side.rows[at]!
      if (row.direct) this.#begin(row.tensor, false)
    }
  }

  addBias(p: number, weights: number, offset: number): void {
    for (const { buffer, base, column, count } of this.segments(p)) {
      this.#b.read(
        { wideBase: offset + column, narrowBase: base, scale: 1, loops: [{ extent: count, wide: 1, narrow: 1 }] },
        weights,
        buffer,
        false,
      )
    }
  }

  fromOrbits(p: number, buffers: readonly number[]): void {
    this.#orbits(p, buffers, 'inverse', (row) => row === undefined || this.#begin(row.tensor, this.#isWhole(row)))
  }

  /** After a product: writes its rows that nothing is pushed into or held back for a section. */
  writeEarly(p: number): void {
    this.#computed.add(p)
    for (const at of this.#rows(this.#plan.products[p]!)) {
      const row = this.#side.rows[at]!
      if (row.direct || row.from >= 0 || this.#children.has(at) || this.#isSectioned(row.tensor)) continue
      // Rather than zero a tensor now, wait for the write that covers it, if there is one.
      if (this.#begun.has(row.tensor) || coversTensor(row) || !this.#coverable.has(row.tensor)) this.#writeRow(at)
    }
  }

  /** Pushes rows into the rows they are part of, the furthest from the tensor first, as far as both are computed. */
  pushAll(): void {
    const depth = (row: Row): number => (row.from < 0 ? 0 : 1 + depth(this.#side.rows[row.from]!))
    const waiting = this.#side.rows
      .map((row, at) => ({ row, at, depth: depth(row) }))
      .filter(({ row, at }) => row.from >= 0 && !this.#passed.has(at))
    waiting.sort((a, b) => b.depth - a.depth)
    for (const { row, at } of waiting) {
      const ready = [row.product, this.#side.rows[row.from]!.product].every((product) => this.#computed.has(product))
      if (ready && (this.#children.get(at) ?? []).every((child) => this.#passed.has(child))) this.#writeRow(at)
    }
  }

  #isSectioned(tensor: number): boolean {
    return [...this.#sections.values()].includes(tensor)
  }

  /** All writes to the tensor of a section that can be limited to a box. */
  writeInSection(tensor: number): void {
    this.#roots(tensor).forEach((at) => fitsBoxes(this.#side.rows[at]!) && this.#writeRow(at, true))
  }

  writeAfterSection(tensor: number): void {
    for (const [p, owned] of this.#sections) if (owned === tensor) this.#computed.add(p)
    this.#roots(tensor).forEach((at) => this.#writeRow(at))
    this.pushAll()
  }

  writeRest(): void {
    this.pushAll()
    this.#side.tensors.forEach((_, tensor) => {
      const roots = this.#roots(tensor)
      roots.sort((a, b) => Number(coversTensor(this.#side.rows[b]!)) - Number(coversTensor(this.#side.rows[a]!)))
      roots.forEach((at) => this.#writeRow(at))
      this.#begin(tensor, false)
    })
    for (const [turned, operand, entry] of this.#turned) this.#b.write(turn(entry), operand, turned, true)
  }

  /** Rows of a tensor that are still to be written to it. */
  #roots(tensor: number): number[] {
    return this.#side.rows.flatMap((row, at) =>
      row.tensor === tensor && row.from < 0 && !row.direct && !this.#passed.has(at) ? [at] : [],
    )
  }

  #writeRow(at: number, inSection = false): void {
    this.#passed.add(at)
    const row = this.#side.rows[at]!
    const set = row.from < 0 && this.#begin(row.tensor, coversTensor(row))
    const pass = rowPass(this.#plan, this.#side, row, this.#pooledOf)
    this.#b.write(pass, this.#wide(row), this.#pool(row.product), set, inSection)
  }
}
