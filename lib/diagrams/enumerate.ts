import { expected } from '../errors.js'

/** A restricted growth string as code units: the block number of vertex 1, 2, …, blocks numbered as they first appear. All
 *  generators here yield words in lexicographic order, which is the canonical order of diagrams. */
export type Word = string

/** The word of a diagram with a free block, and the number of that block. */
export interface MarkedWord {
  readonly word: Word
  readonly free: number
}

/** The set partitions of `size` vertices into at most `maxBlocks` blocks. */
export function* setPartitions(size: number, maxBlocks: number = size): Generator<Word, void> {
  if (size > 0 && maxBlocks < 1) return
  const word = new Array<number>(size).fill(0)
  // used[i]: number of blocks among the vertices before i.
  const used = new Array<number>(size).fill(1)
  for (;;) {
    yield String.fromCharCode(...word)
    let i = size - 1
    while (i > 0 && (word[i] as number) >= Math.min(used[i] as number, maxBlocks - 1)) i--
    if (i <= 0) return
    const next = ++word[i]!
    for (let j = i + 1; j < size; j++) {
      word[j] = 0
      used[j] = Math.max(used[i] as number, next + 1)
    }
  }
}

/** The perfect matchings of `size` vertices. */
export function* matchings(size: number): Generator<Word, void> {
  for (const { word } of pairsAndOne(size, 0)) yield word
}

/** The diagrams of `size` vertices with n free ones, the others matched: words with the number of the free block. Where words
 *  are equal (n = 2 only) the lists of free vertices ascend. */
export function* determinantDiagrams(size: number, n: number): Generator<MarkedWord, void> {
  if (n !== 2) return yield* pairsAndOne(size, n)
  for (const word of matchings(size)) for (let free = 0; free < size / 2; free++) yield { word, free }
}

/** Words whose blocks are pairs, but for one block of `one` ≠ 2 vertices (none for 0). A block turns out to be that one only
 *  when its third vertex arrives, so the search goes by words and not by diagrams: words then come in order. */
function* pairsAndOne(size: number, one: number): Generator<MarkedWord, void> {
  if (size < one || (size - one) % 2 !== 0) return
  const word: number[] = []
  const sizes: number[] = []
  let singles = 0
  let large = -1
  // Whether `left` more vertices can complete the blocks; parity holds by itself.
  const completes = (left: number): boolean => {
    if (one < 3) return singles <= left + one
    if (large >= 0) return one - (sizes[large] as number) + singles <= left
    return (sizes.length > 0 ? one - 2 : one) + singles <= left
  }
  function* extend(): Generator<MarkedWord, void> {
    const left = size - word.length
    if (left === 0) return yield { word: String.fromCharCode(...word), free: one === 1 ? sizes.indexOf(1) : large }
    for (let block = 0; block <= sizes.length; block++) {
      const before = sizes[block] ?? 0
      const grows = before < 2 || (one > 2 && (large < 0 || (large === block && before < one)))
      if (!grows) continue
      const [oldSingles, oldLarge] = [singles, large]
      if (before === 0) singles++
      else if (before === 1) singles--
      else large = block
      sizes[block] = before + 1
      word.push(block)
      if (completes(left - 1)) yield* extend()
      word.pop()
      if (before === 0) sizes.pop()
      else sizes[block] = before
      singles = oldSingles
      large = oldLarge
    }
  }
  yield* extend()
}

/** Number of set partitions of `size` things into at most `maxBlocks` blocks: a sum of Stirling numbers, the Bell number where
 *  maxBlocks ≥ size. @throws BrauerError `size-overflow` past 2^53 */
export function countPartitions(size: number, maxBlocks: number = size): number {
  const row = stirlingRow(size)?.slice(0, maxBlocks + 1) ?? [Infinity]
  const total = row.reduce((sum, count) => sum + count, 0)
  return exact(total, `set partitions of ${size} vertices into at most ${maxBlocks} blocks`)
}

/** Number of set partitions of `size` things into exactly `blocks` blocks. @throws BrauerError `size-overflow` */
export function stirling(size: number, blocks: number): number {
  return exact(
    (stirlingRow(size) ?? [])[blocks] ?? (blocks > size ? 0 : Infinity),
    `set partitions of ${size} vertices into ${blocks} blocks`,
  )
}

/** Bell number. @throws BrauerError `size-overflow` */
export function bell(size: number): number {
  return countPartitions(size)
}

/** Number of perfect matchings of `size` vertices: the double factorial (size − 1)!!. @throws BrauerError `size-overflow` */
export function countMatchings(size: number): number {
  if (size % 2 !== 0) return 0
  let count = 1
  for (let i = size - 1; i > 1 && Number.isFinite(count); i -= 2) count *= i
  return exact(count, `matchings of ${size} vertices`)
}

/** Number of diagrams with n free vertices. @throws BrauerError `size-overflow` */
export function countDeterminants(size: number, n: number): number {
  if (size < n || (size - n) % 2 !== 0) return 0
  return exact(binomial(size, n) * countMatchings(size - n), `diagrams of ${size} vertices, ${n} of them free`)
}

/** Number of subsets. @throws BrauerError `size-overflow` */
export function binomial(size: number, subset: number): number {
  if (subset < 0 || subset > size) return 0
  const small = Math.min(subset, size - subset)
  // Partial products are binomial coefficients themselves, and grow; before the division they may pass 2^53.
  let count = 1n
  for (let i = 1; i <= small && count < 2n ** 53n; i++) count = (count * BigInt(size - small + i)) / BigInt(i)
  return exact(Number(count), `subsets of ${subset} of ${size} vertices`)
}

// Null where a term is past the range of a double; then so is every count that uses the row.
function stirlingRow(size: number): number[] | null {
  let row = [1]
  for (let a = 1; a <= size; a++) {
    row = Array.from({ length: a + 1 }, (_, t) => t * (row[t] ?? 0) + (row[t - 1] ?? 0))
    if (!row.every(Number.isFinite)) return null
  }
  return row
}

function exact(count: number, what: string): number {
  if (Number.isSafeInteger(count)) return count
  throw expected(
    'size-overflow',
    `number of ${what}`,
    'at most 2^53',
    Number.isFinite(count) ? `about ${count.toExponential(1)}` : 'more',
  )
}
