import { describe, expect, test } from '@jest/globals'
import { linear, O, product, S, SO, Sp, tensor, type Group } from '../../lib/index.js'
import { matrices, type GroupName } from '../support/dense.js'
import { expectClose } from '../support/compare.js'

// Indices of two kinds with different n through planner and executors, against the product of the factors' dense matrices.

type Factor = readonly [GroupName, number]
const make: Record<GroupName, (n: number) => Group> = { S, O, SO, Sp }

/** The matrix of a pair of diagrams on mixed words: entries multiply, each factor reading the indices of its letter. */
function entries(
  factors: readonly [Factor, Factor],
  k: string,
  l: string,
): { rows: number; cols: number; list: Float64Array[] } {
  const n = { a: factors[0][1], b: factors[1][1] } as Record<string, number>
  const count = (word: string, letter: string): number => [...word].filter((each) => each === letter).length
  const size = (word: string): number => [...word].reduce((all, letter) => all * n[letter]!, 1)
  const index = (word: string, at: number): Record<string, number> => {
    const flat: Record<string, number> = { a: 0, b: 0 }
    let rest = at
    const values = [...word].map(() => 0)
    for (let p = word.length - 1; p >= 0; p--) {
      values[p] = rest % n[word[p]!]!
      rest = Math.floor(rest / n[word[p]!]!)
    }
    values.forEach((value, p) => (flat[word[p]!] = flat[word[p]!]! * n[word[p]!]! + value))
    return flat
  }
  const [rows, cols] = [size(l), size(k)]
  const lists = factors.map(([group, size], i) => {
    const letter = 'ab'[i]!
    return matrices(group, size, count(k, letter), count(l, letter))
  })
  const list = lists[0]!.flatMap((first) =>
    lists[1]!.map((second) => {
      const result = new Float64Array(rows * cols)
      for (let I = 0; I < rows; I++) {
        for (let J = 0; J < cols; J++) {
          const [top, bottom] = [index(l, I), index(k, J)]
          const at = (letter: 'a' | 'b'): number => top[letter]! * n[letter]! ** count(k, letter) + bottom[letter]!
          result[I * cols + J] = first[at('a')]! * second[at('b')]!
        }
      }
      return result
    }),
  )
  return { rows, cols, list }
}

const cases: [Factor, Factor, string, string][] = [
  [['S', 3], ['O', 2], 'ab', 'ab'],
  [['S', 3], ['O', 2], 'aabb', 'bab'],
  [['S', 2], ['O', 3], 'abb', 'baab'],
  [['O', 3], ['S', 2], 'aab', 'aa'],
  [['S', 3], ['SO', 3], 'ab', 'abb'],
  [['S', 3], ['Sp', 2], 'abb', 'aabb'],
  [['Sp', 4], ['O', 2], 'aab', 'aab'],
  [['O', 2], ['SO', 2], 'aabb', 'aabb'],
  // Determinants of both factors, in one row or one in each.
  [['SO', 2], ['SO', 2], 'aabb', 'bb'],
  [['SO', 2], ['SO', 3], 'bb', 'aab'],
  [['SO', 2], ['SO', 2], 'aa', 'bb'],
]

describe.each(['reference', 'cpu'])('%s', (backend) => {
  describe.each([
    { steps: { share: true, classes: true, fourier: true } },
    { steps: { share: true, classes: true, fourier: false } },
    { steps: { share: false, classes: false, fourier: false } },
    { strategy: 'dense' },
  ] as const)('%j', (way) => {
    test.each(cases)('%j × %j, %s -> %s', (first, second, k, l) => {
      const group = product(make[first[0]](first[1]), make[second[0]](second[1]))
      const layer = linear(group, { [k]: 2 }, { [l]: 3 }, { backend, ...way, dtype: 'float64', basis: 'spanning' })
      const { rows, cols, list } = entries([first, second], k, l)
      const weight = layer.parameters[`weight.${k}.${l}`]!
      expect(weight.shape).toEqual([list.length, 2, 3])
      expect(list.length).toBe(layer.diagrams(k, l).length)

      const batch = 2
      const x = Float64Array.from({ length: batch * cols * 2 }, (_, i) => Math.sin(1 + i))
      const wanted = new Float64Array(batch * rows * 3)
      list.forEach((matrix, d) => {
        for (let item = 0; item < batch; item++) {
          for (let I = 0; I < rows; I++) {
            for (let J = 0; J < cols; J++) {
              const value = matrix[I * cols + J]!
              if (value === 0) continue
              for (let c = 0; c < 2; c++) {
                for (let o = 0; o < 3; o++) {
                  wanted[(item * rows + I) * 3 + o]! +=
                    value * weight.data[(d * 2 + c) * 3 + o]! * x[(item * cols + J) * 2 + c]!
                }
              }
            }
          }
        }
      })
      const shape = [batch, ...[...k].map((letter) => (letter === 'a' ? first[1] : second[1])), 2]
      expectClose(layer.forwardSync({ [k]: tensor(x, shape) })[l]!.data, wanted, 1e-12, `${group} ${k} -> ${l}`)
    })
  })
})
