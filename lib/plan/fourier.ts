import { partitions, permutations, representation } from './young.js'

/** Transforms are kept for classes of at most this many strands: the matrices of d strands have (d!)² entries. */
const mostStrands = 5

/** The kind whose strands can be transformed, the first with two or more that are not too many; −1 where there is none. */
export function transformableKind(strands: readonly number[]): number {
  return strands.findIndex((d) => d >= 2 && d <= mostStrands)
}

/** The orthogonal transform over d strands (design 1.3, step 3): on the rearrangements of a multi-index the functions split
 *  into irreducible representations of S_d (Young's rule). */
export interface Transform {
  readonly d: number
  readonly lambdas: readonly Lambda[]
  /** One matrix per composition code, back to back: entry (row, column) with rows (λ, copy, unit) and columns the
   *  rearrangements in lexicographic order. */
  readonly matrices: Float64Array
  /** [Σ dimension², d!]: entry ((λ, b, a), σ) = ρ_λ(σ)[b, a], σ in lexicographic order. It turns the weights of the
   *  permutations into one block per λ that maps unit b of the input to unit a of the output. */
  readonly weights: Float64Array
}

export interface Lambda {
  readonly partition: readonly number[]
  readonly dimension: number
  /** Copies of λ per composition code: its Kostka number. */
  readonly kostka: readonly number[]
}

const transforms = new Map<number, Transform>()

/** The transform of d strands, made once per process. */
export function transform(d: number): Transform {
  let result = transforms.get(d)
  if (!result) transforms.set(d, (result = make(d)))
  return result
}

function make(d: number): Transform {
  const all = permutations(d)
  const representations = partitions(d).map((partition) => ({ partition, ...representation(partition) }))
  const codes = Array.from({ length: 2 ** (d - 1) }, (_, code) => code)
  const invariants = representations.map(({ dimension, matrices }) =>
    codes.map((code) => {
      const stable = all.flatMap((g, at) => (stabilises(g, smallest(code, d)) ? [matrices[at]!] : []))
      return fixedVectors(stable, dimension)
    }),
  )
  const blocks = codes.map((code) => {
    const word = smallest(code, d)
    const words = all.flatMap((g) => (isFirst(g, word) ? [g] : [])).map((g) => ({ g, word: act(g, word) }))
    words.sort((a, b) => compare(a.word, b.word))
    const ranks = new Map(all.map((g, at) => [g.join(), at]))
    const rows: number[][] = []
    representations.forEach(({ dimension, matrices }, λ) => {
      const scale = Math.sqrt(dimension / words.length)
      for (const vector of invariants[λ]![code]!) {
        for (let unit = 0; unit < dimension; unit++) {
          rows.push(
            words.map(({ g }) => {
              const matrix = matrices[ranks.get(g.join())!]!
              let sum = 0
              for (let j = 0; j < dimension; j++) sum += matrix[unit * dimension + j]! * vector[j]!
              return scale * sum
            }),
          )
        }
      }
    })
    return rows.flat()
  })
  const weights = representations.flatMap(({ dimension, matrices }) =>
    Array.from({ length: dimension * dimension }, (_, entry) => matrices.map((matrix) => matrix[entry]!)).flat(),
  )
  return {
    d,
    lambdas: representations.map(({ partition, dimension }, λ) => ({
      partition,
      dimension,
      kostka: codes.map((code) => invariants[λ]![code]!.length),
    })),
    matrices: Float64Array.from(blocks.flat()),
    weights: Float64Array.from(weights),
  }
}

/** The smallest multi-index of a composition code: bit p set where the next value is larger. */
function smallest(code: number, d: number): number[] {
  const word = [0]
  for (let p = 0; p + 1 < d; p++) word.push(word[p]! + ((code >> p) & 1))
  return word
}

/** (g·word)[g[p]] = word[p]. */
function act(g: readonly number[], word: readonly number[]): number[] {
  const result = new Array<number>(word.length)
  g.forEach((image, p) => (result[image] = word[p]!))
  return result
}

function stabilises(g: readonly number[], word: readonly number[]): boolean {
  return g.every((image, p) => word[image] === word[p])
}

/** True for one g of each coset of the stabiliser: the one that keeps equal values in order. */
function isFirst(g: readonly number[], word: readonly number[]): boolean {
  return g.every((image, p) => p === 0 || word[p] !== word[p - 1] || g[p - 1]! < image)
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let p = 0; p < a.length; p++) if (a[p] !== b[p]) return a[p]! - b[p]!
  return 0
}

/** An orthonormal basis of the vectors fixed by a subgroup, from the mean of its matrices (a projector): the columns with
 *  the largest remainder are taken first, so that the basis is stable and always the same. */
function fixedVectors(subgroup: readonly Float64Array[], dimension: number): Float64Array[] {
  const columns = Array.from({ length: dimension }, (_, j) =>
    Float64Array.from(
      { length: dimension },
      (_, i) => subgroup.reduce((sum, matrix) => sum + matrix[i * dimension + j]!, 0) / subgroup.length,
    ),
  )
  const count = Math.round(columns.reduce((trace, column, j) => trace + column[j]!, 0))
  const basis: Float64Array[] = []
  while (basis.length < count) {
    const best = columns.reduce((a, b) => (dot(b, b) > dot(a, a) + 1e-9 ? b : a))
    const norm = Math.sqrt(dot(best, best))
    const vector = best.map((x) => x / norm)
    basis.push(vector)
    for (const column of columns) {
      const along = dot(column, vector)
      column.forEach((x, i) => (column[i] = x - along * vector[i]!))
    }
  }
  return basis
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0)
}
