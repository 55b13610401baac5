/** A program is data: buffers, constants, one table of signed offset pairs, and a flat instruction list.
 *  Every size, base and stride is in elements. FORMAT.md describes the encoding and gives a worked dump. */
export interface Program {
  readonly buffers: readonly Buffer[]
  /** Numbers behind the `constant` buffers and the transforms of `orbit`, in float64; executors convert once. */
  readonly constants: Float64Array
  /** (out, in, sign) triples behind `gather`. */
  readonly table: Float64Array
  readonly sections: readonly Section[]
  readonly instructions: readonly Instruction[]
  /** Elements of the scratch arena of one item, and of the arena of its section-local buffers. */
  readonly scratchSize: number
  readonly localSize: number
}

/** `item` buffers exist once per batch item (`size` elements each, items back to back), `shared` ones once per call.
 *  A shared output accumulates over the items of a call. Outputs are undefined before their first write. */
export interface Buffer {
  readonly name: string
  readonly role: 'input' | 'output' | 'constant' | 'scratch'
  readonly scope: 'item' | 'shared'
  readonly size: number
  /** constant: first element in `constants`; scratch: first element in its arena; operands: 0. */
  readonly offset: number
  /** Set for scratch rows that only live inside one section: its rows are numbered by orbits (see Section). */
  readonly local?: LocalRows
}

export interface LocalRows {
  readonly section: number
  /** Position of the partition λ in the lists of the section's orbit instructions. */
  readonly lambda: number
  /** Elements per row; the buffer has rows(λ)·width elements. */
  readonly width: number
}

/** A run of instructions that may be executed box by box: every orbit instruction in it has the same n and d, and a box is a
 *  set of multi-indices closed under S_d. Executing all boxes one after the other, each loop limited to its strands' range,
 *  equals executing the run once. Local buffers then hold the rows of one box only. */
export interface Section {
  readonly first: number
  readonly count: number
  readonly n: number
  readonly d: number
}

/** One loop of a nest: `extent` steps, each moving the two offsets by a signed stride; `alternate` multiplies by (−1)^step.
 *  `strands` is a bit mask: the loop variable is the value of these strands of the section (0: none, a free loop). */
export interface Loop {
  readonly extent: number
  readonly out: number
  readonly in: number
  readonly alternate: boolean
  readonly strands: number
}

export type Instruction = Zero | Strided | Gather | Mix | Orbit

/** out[base + r·stride + c] = 0 for r < rows, c < count. */
export interface Zero {
  readonly op: 'zero'
  readonly out: number
  readonly base: number
  readonly rows: number
  readonly stride: number
  readonly count: number
}

/** out[outBase + Σ t·out] += scale · sign · in[inBase + Σ t·in] over the loop nest. With `set` the touched elements are
 *  overwritten by their sums instead; then no two settings of the loops with out ≠ 0 touch the same element. */
export interface Strided {
  readonly op: 'strided'
  readonly out: number
  readonly in: number
  readonly outBase: number
  readonly inBase: number
  readonly scale: number
  readonly set: boolean
  readonly loops: readonly Loop[]
}

/** `strided` (accumulating) once per table entry, the entry's offsets added to the bases, its sign to the scale. */
export interface Gather {
  readonly op: 'gather'
  readonly out: number
  readonly in: number
  readonly outBase: number
  readonly inBase: number
  readonly scale: number
  readonly loops: readonly Loop[]
  /** First triple and number of triples in `table`. */
  readonly first: number
  readonly count: number
}

/** With A [rows, inner] in a, B [inner, cols] in b and C [rows, cols] in c, each row-major with its own row stride:
 *  forward C += A·B, input A += C·Bᵀ, weight B += Aᵀ·C; `set` overwrites instead of adding (for a shared buffer that means:
 *  sums over the items of this call only). */
export interface Mix {
  readonly op: 'mix'
  readonly form: 'forward' | 'input' | 'weight'
  readonly a: number
  readonly b: number
  readonly c: number
  readonly aBase: number
  readonly bBase: number
  readonly cBase: number
  readonly aStride: number
  readonly bStride: number
  readonly cStride: number
  readonly rows: number
  readonly inner: number
  readonly cols: number
  readonly set: boolean
}

/** The orthogonal transform over d strands of extent n (design 1.3, step 3). For every ascending multi-index
 *  i₁ ≤ … ≤ i_d, in lexicographic order, its m distinct rearrangements (lexicographic) are one vector v; the transform Q of its
 *  composition gives Q·v, whose entries belong to (λ, copy, unit): λ-th partition, copy < kostka[λ][composition], unit < dimension[λ].
 *  Rows of λ are numbered by (multi-index, copy) in order of enumeration.
 *  forward: rows += Q·strands; inverse: strands += Qᵀ·rows; `set` overwrites.
 *  Composition code: bit p is set iff i_{p+2} > i_{p+1} (1-based), p = 0 … d−2; the matrices lie one after the other by code. */
export interface Orbit {
  readonly op: 'orbit'
  readonly form: 'forward' | 'inverse'
  readonly strands: number
  readonly base: number
  /** One stride per strand. */
  readonly strides: readonly number[]
  readonly n: number
  readonly set: boolean
  /** First element of the matrices in `constants`. */
  readonly matrices: number
  readonly lambdas: readonly OrbitRows[]
  readonly loops: readonly OrbitLoop[]
}

export interface OrbitRows {
  readonly buffer: number
  readonly base: number
  readonly rowStride: number
  readonly unitStride: number
  /** Dimension of the irreducible representation λ. */
  readonly dimension: number
  /** Copies of λ in the permutation module of each composition code. */
  readonly kostka: readonly number[]
}

/** An outer or inner extent of the transform; `rows` has one stride per λ. */
export interface OrbitLoop {
  readonly extent: number
  readonly strands: number
  readonly rows: readonly number[]
}
