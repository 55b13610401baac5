import type { BlockDiagram } from './diagram.js'

/** The partner of every vertex of a diagram of pairs, vertices from 0; the r-th free vertex (from 0, ascending) has −1 − r. */
export function partners({ word, freeBlock }: Pick<BlockDiagram, 'word' | 'freeBlock'>): number[] {
  const first: number[] = []
  const partner = new Array<number>(word.length).fill(0)
  let free = 0
  for (let v = 0; v < word.length; v++) {
    const block = word.charCodeAt(v)
    const other = first[block]
    if (block === freeBlock) partner[v] = -1 - free++
    else if (other === undefined) first[block] = v
    else {
      partner[v] = other
      partner[other] = v
    }
  }
  return partner
}

/** Pairs whose arcs cross when the vertices lie on a line in the given places. */
export function crossings(pairs: readonly (readonly number[])[], place: (vertex: number) => number = (v) => v): number {
  const arcs = pairs.map(([a, b]) => {
    const [x, y] = [place(a as number), place(b as number)]
    return x < y ? ([x, y] as const) : ([y, x] as const)
  })
  let count = 0
  for (const [a, b] of arcs) for (const [c, d] of arcs) if (a < c && c < b && b < d) count++
  return count
}

/** Sign of a list of distinct numbers as a rearrangement of the ascending list. */
export function sortingSign(values: readonly number[]): 1 | -1 {
  let odd = false
  for (let i = 0; i < values.length; i++) {
    for (let j = i + 1; j < values.length; j++) if ((values[i] as number) > (values[j] as number)) odd = !odd
  }
  return odd ? -1 : 1
}

/** All rearrangements of 0..size−1 with their signs, lexicographic. */
export function* permutations(size: number): Generator<{ image: number[]; sign: 1 | -1 }, void> {
  const image = Array.from({ length: size }, (_, i) => i)
  for (;;) {
    yield { image: [...image], sign: sortingSign(image) }
    let i = size - 2
    while (i >= 0 && (image[i] as number) > (image[i + 1] as number)) i--
    if (i < 0) return
    let j = size - 1
    while ((image[j] as number) < (image[i] as number)) j--
    ;[image[i], image[j]] = [image[j] as number, image[i] as number]
    for (let a = i + 1, b = size - 1; a < b; a++, b--) {
      ;[image[a], image[b]] = [image[b] as number, image[a] as number]
    }
  }
}

export function factorial(n: number): number {
  let product = 1
  for (let i = 2; i <= n; i++) product *= i
  return product
}
