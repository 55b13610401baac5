import type { Group } from '../dist/index.js'

/** An irreducible representation over the reals inside a space. */
export interface Irreducible {
  /** Its partition; for SO(n) one of at most n/2 rows, with a sign where two irreducibles share it. */
  readonly label: string
  readonly dimension: number
  /** Dimension of the algebra of maps that commute with it: 1, or 2 where it is of complex type. */
  readonly commuting: 1 | 2
  /** How often it occurs, channels counted. */
  readonly multiplicity: number
}

/** Least arithmetic of a layer for one item, and how it was found. */
export interface MinimalFlops {
  readonly flops: number
  /** 'exact': of the map in its block-diagonal form; 'program': what the plan does, where the irreducibles are not known. */
  readonly kind: 'exact' | 'program'
}

type Partition = readonly number[]
type Space = Readonly<Record<string, number>>

/** 2 · Σ_λ dim λ · m_in(λ) · m_out(λ) (times 2 for an irreducible of complex type): the products and sums of the map after
 *  both spaces are split into irreducibles, where Schur's lemma leaves one m_out × m_in matrix for each. A bias is not counted. */
export function minimalFlops(group: Group, input: Space, output: Space, programFlops: number): MinimalFlops {
  const from = decompose(group, input)
  const to = decompose(group, output)
  if (!from || !to) return { flops: programFlops, kind: 'program' }
  const outputs = new Map(to.map((each) => [each.label, each.multiplicity]))
  const flops = from.reduce((sum, { label, dimension, commuting, multiplicity }) => {
    return sum + 2 * dimension * commuting * multiplicity * (outputs.get(label) ?? 0)
  }, 0)
  return { flops, kind: 'exact' }
}

/** The irreducibles of a direct sum of tensor powers of R^n, `space` being order to channels; undefined for products of groups. */
export function decompose(group: Group, space: Space): Irreducible[] | undefined {
  const [kind, ...more] = group.kinds
  const family = families[group.name as keyof typeof families]
  if (!kind || more.length > 0 || !family) return undefined
  const { n } = kind
  const total = new Map<string, Irreducible>()
  for (const [order, channels] of Object.entries(space)) {
    for (const [key, count] of walks(family.start(n), (partition) => family.times(n, partition), Number(order))) {
      for (const irreducible of family.restrict(n, JSON.parse(key) as Partition)) {
        const multiplicity = count * channels + (total.get(irreducible.label)?.multiplicity ?? 0)
        total.set(irreducible.label, { ...irreducible, multiplicity })
      }
    }
  }
  return [...total.values()]
}

/** Multiplicities in the k-th power: the number of walks of length k in the Bratteli diagram, by their end. */
function walks(start: Partition, times: (partition: Partition) => Partition[], k: number): Map<string, number> {
  let level = new Map([[JSON.stringify(start), 1]])
  for (let step = 0; step < k; step++) {
    const next = new Map<string, number>()
    for (const [key, count] of level) {
      for (const partition of times(JSON.parse(key) as Partition)) {
        const to = JSON.stringify(partition)
        next.set(to, (next.get(to) ?? 0) + count)
      }
    }
    level = next
  }
  return level
}

interface Family {
  /** The trivial representation. */
  start(n: number): Partition
  /** The irreducibles of λ ⊗ R^n, repeated as often as they occur. */
  times(n: number, partition: Partition): Partition[]
  /** What the representation of a partition is as a sum of the group's real irreducibles. */
  restrict(n: number, partition: Partition): Omit<Irreducible, 'multiplicity'>[]
}

const single = (partition: Partition, dimension: number): Omit<Irreducible, 'multiplicity'>[] => [
  { label: partition.join(), dimension, commuting: 1 },
]

/** Partitions of n. λ ⊗ R^n is λ restricted to S(n−1) and induced again: a box goes, then one comes. */
const symmetric: Family = {
  start: (n) => [n],
  times: (_, partition) => smaller(partition).flatMap(larger),
  restrict: (n, partition) => single(partition, symmetricDimension(n, partition)),
}

/** Partitions whose first two columns have at most n boxes together; λ ⊗ R^n has each neighbour once. */
const orthogonal: Family = {
  start: () => [],
  times: (n, partition) =>
    [...smaller(partition), ...larger(partition)].filter((each) => height(each, 0) + height(each, 1) <= n),
  restrict: (n, partition) => single(partition, orthogonalDimension(n, partition)),
}

/** Partitions of at most n/2 rows. Sp(n, R) is split, so each of them is of real type. */
const symplectic: Family = {
  start: () => [],
  times: (n, partition) => [...smaller(partition), ...larger(partition)].filter((each) => 2 * each.length <= n),
  restrict: (n, partition) => single(partition, symplecticDimension(n, partition)),
}

/** Those of O(n), in which λ and its associate (first column c -> n − c) are the same. One that is its own associate is two
 *  irreducibles over the complex numbers: both are real where 4 divides n, else they are conjugates and one real irreducible. */
const specialOrthogonal: Family = {
  start: orthogonal.start,
  times: orthogonal.times,
  restrict(n, partition) {
    const dimension = orthogonalDimension(n, partition)
    if (2 * partition.length !== n) return single(partition.slice(0, n - partition.length), dimension)
    if (n % 4 !== 0) return [{ label: partition.join(), dimension, commuting: 2 }]
    return ['+', '-'].map((sign) => ({
      label: `${partition.join()}${sign}`,
      dimension: dimension / 2,
      commuting: 1 as const,
    }))
  },
}

const families = { S: symmetric, O: orthogonal, SO: specialOrthogonal, Sp: symplectic }

/** The partitions with one box less. */
function smaller(partition: Partition): Partition[] {
  return partition.flatMap((row, i) =>
    row > (partition[i + 1] ?? 0) ? [partition.with(i, row - 1).filter((each) => each > 0)] : [],
  )
}

/** The partitions with one box more. */
function larger(partition: Partition): Partition[] {
  return [...partition, 0].flatMap((row, i) =>
    i === 0 || row < partition[i - 1]! ? [[...partition.slice(0, i), row + 1, ...partition.slice(i + 1)]] : [],
  )
}

/** Boxes in a column, columns counted from 0. */
function height(partition: Partition, column: number): number {
  return partition.filter((row) => row > column).length
}

/** Π over the boxes of `numerator(i, j)` (row and column from 1) over the product of the hook lengths. */
function overHooks(partition: Partition, numerator: (i: number, j: number) => number): number {
  let [over, under] = [1n, 1n]
  partition.forEach((row, i) => {
    for (let j = 0; j < row; j++) {
      over *= BigInt(numerator(i + 1, j + 1))
      under *= BigInt(row - j + height(partition, j) - i - 1)
    }
  })
  return Number(over / under)
}

/** The hook length formula with the hooks of the first row cancelled against n!, so that it costs nothing for large n: with μ the
 *  partition below the first row, the product of n − |μ| − μ_i + i for i = 1 … |μ| over the hooks of μ. */
function symmetricDimension(n: number, [, ...below]: Partition): number {
  const boxes = below.reduce((a, b) => a + b, 0)
  let at = 0
  return overHooks(below, () => {
    at++
    return n - boxes - (below[at - 1] ?? 0) + at
  })
}

/** El Samra and King, J. Phys. A 12 (1979) 2317. */
function orthogonalDimension(n: number, partition: Partition): number {
  const row = (i: number): number => partition[i - 1] ?? 0
  const column = (j: number): number => height(partition, j - 1)
  return overHooks(partition, (i, j) => (i >= j ? n + row(i) + row(j) - i - j : n - column(i) - column(j) + i + j - 2))
}

/** El Samra and King, the same place. */
function symplecticDimension(n: number, partition: Partition): number {
  const row = (i: number): number => partition[i - 1] ?? 0
  const column = (j: number): number => height(partition, j - 1)
  return overHooks(partition, (i, j) => (i > j ? n + row(i) + row(j) - i - j + 2 : n - column(i) - column(j) + i + j))
}
