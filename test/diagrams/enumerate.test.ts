import { describe, expect, test } from '@jest/globals'
import {
  bell,
  binomial,
  countDeterminants,
  countMatchings,
  countPartitions,
  determinantDiagrams,
  matchings,
  setPartitions,
  stirling,
} from '../../lib/diagrams/enumerate.js'
import { BlockDiagram, Diagram, ProductDiagram } from '../../lib/diagrams/diagram.js'
import { compareDiagrams, sortDiagrams } from '../../lib/diagrams/order.js'
import { spanning, type GroupName } from '../support/dense.js'
import { diagramsOf } from './helpers.js'

const keys = (words: Iterable<string>): string[] =>
  Array.from(words, (word) => new BlockDiagram(word.length, 0, word, -1).key)
const marked = (size: number, n: number): string[] =>
  Array.from(determinantDiagrams(size, n), ({ word, free }) => new BlockDiagram(size, 0, word, free).key)

describe('canonical order, by hand', () => {
  test('set partitions of three', () => {
    expect(keys(setPartitions(3))).toEqual(['1,2,3', '1,2|3', '1,3|2', '1|2,3', '1|2|3'])
  })

  test('set partitions of four into at most two blocks', () => {
    const list = ['1,2,3,4', '1,2,3|4', '1,2,4|3', '1,2|3,4', '1,3,4|2', '1,3|2,4', '1,4|2,3', '1|2,3,4']
    expect(keys(setPartitions(4, 2))).toEqual(list)
  })

  test('matchings of four and of six', () => {
    expect(keys(matchings(4))).toEqual(['1,2|3,4', '1,3|2,4', '1,4|2,3'])
    // By growth string 001122, 001212, 001221, 010122, 010212, …: not by the partner of vertex 1.
    expect(keys(matchings(6))).toEqual([
      '1,2|3,4|5,6',
      '1,2|3,5|4,6',
      '1,2|3,6|4,5',
      '1,3|2,4|5,6',
      '1,3|2,5|4,6',
      '1,3|2,6|4,5',
      '1,4|2,3|5,6',
      '1,5|2,3|4,6',
      '1,6|2,3|4,5',
      '1,4|2,5|3,6',
      '1,4|2,6|3,5',
      '1,5|2,4|3,6',
      '1,6|2,4|3,5',
      '1,5|2,6|3,4',
      '1,6|2,5|3,4',
    ])
  })

  test('three free vertices of five', () => {
    expect(marked(5, 3)).toEqual([
      '!1,2,3|4,5',
      '!1,2,4|3,5',
      '!1,2,5|3,4',
      '1,2|!3,4,5',
      '!1,3,4|2,5',
      '!1,3,5|2,4',
      '1,3|!2,4,5',
      '!1,4,5|2,3',
      '1,4|!2,3,5',
      '1,5|!2,3,4',
    ])
  })

  test('two free vertices of four: ties by the free vertices', () => {
    expect(marked(4, 2)).toEqual(['!1,2|3,4', '1,2|!3,4', '!1,3|2,4', '1,3|!2,4', '!1,4|2,3', '1,4|!2,3'])
  })

  test('one free vertex of three', () => {
    expect(marked(3, 1)).toEqual(['1,2|!3', '1,3|!2', '!1|2,3'])
  })

  test('nothing of nothing', () => {
    expect([keys(setPartitions(0)), keys(setPartitions(0, 0)), keys(matchings(0))]).toEqual([[''], [''], ['']])
    expect([keys(setPartitions(2, 0)), keys(matchings(3)), marked(2, 3), marked(4, 3)]).toEqual([[], [], [], []])
    expect(marked(2, 2)).toEqual(['!1,2'])
  })
})

const CASES: [GroupName, number, number][] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((size): [GroupName, number, number] => ['S', 1, size]),
  ...[0, 2, 4, 6, 8].map((size): [GroupName, number, number] => ['O', 1, size]),
  ...[1, 2, 3, 4, 5].flatMap((n) => [4, 5, 6, 7, 8].map((size): [GroupName, number, number] => ['SO', n, size])),
]

test.each(CASES)('%s(%i) on %i vertices: the list that sorting by definition gives', (group, n, size) => {
  const list = diagramsOf(group, n, 1, size - 1)
  expect(list.map((diagram) => diagram.key)).toEqual(spanning(group, n, size - 1, 1).map(({ key }) => key))
  const shuffled = [...list].sort(
    (a, b) => ((a.key.length * 7919) % 31) - ((b.key.length * 7919) % 31) || (a.key < b.key ? 1 : -1),
  )
  expect(sortDiagrams(shuffled).map(({ key }) => key)).toEqual(list.map(({ key }) => key))
})

test('products are ordered by their first factor, then by the next', () => {
  const [x, y] = [Diagram.of(1, 1, [[1, 2]]), Diagram.of(1, 1, [[1], [2]])]
  const of = (a: BlockDiagram, b: BlockDiagram): ProductDiagram => new ProductDiagram([a, b], ['a', 'b'], 'ab', 'ab')
  expect(sortDiagrams([of(y, y), of(y, x), of(x, y), of(x, x)]).map(({ key }) => key)).toEqual([
    '1,2;1,2',
    '1,2;1|2',
    '1|2;1,2',
    '1|2;1|2',
  ])
  expect(compareDiagrams(of(x, y), of(x, y))).toBe(0)
})

describe('counts', () => {
  test('are those of the lists', () => {
    for (let size = 0; size <= 8; size++) {
      for (let n = 0; n <= 9; n++) {
        expect([size, n, countPartitions(size, n)]).toEqual([size, n, [...setPartitions(size, n)].length])
        const exactly = [...setPartitions(size, n)].length - (n > 0 ? [...setPartitions(size, n - 1)].length : 0)
        expect([size, n, stirling(size, n)]).toEqual([size, n, exactly])
        if (n > 0)
          expect([size, n, countDeterminants(size, n)]).toEqual([size, n, [...determinantDiagrams(size, n)].length])
      }
      expect(countMatchings(size)).toBe([...matchings(size)].length)
    }
  })

  test('known values', () => {
    expect([bell(10), countPartitions(10, 6), stirling(10, 5), countMatchings(12)]).toEqual([
      115975, 109299, 42525, 10395,
    ])
    expect([countDeterminants(9, 3), binomial(52, 26), binomial(5, 7)]).toEqual([1260, 495918532948104, 0])
    expect([bell(22), countPartitions(50, 2), countMatchings(18)]).toEqual([4506715738447323, 2 ** 49, 34459425])
  })

  test('past 2^53 they throw', () => {
    for (const count of [
      () => bell(23),
      () => bell(100000),
      () => stirling(40, 20),
      () => stirling(5000, 2500),
      () => countMatchings(32),
      () => countMatchings(2 ** 52),
      () => countDeterminants(60, 20),
      () => binomial(2 ** 40, 2 ** 20),
    ]) {
      expect(count).toThrow(expect.objectContaining({ code: 'size-overflow' }))
    }
  })
})
