import { describe, expect, test } from '@jest/globals'
import { Diagram, ProductDiagram, factorKeys } from '../../lib/diagrams/diagram.js'
import { enumerateAll, thrown } from './helpers.js'

describe('keys', () => {
  test.each([
    [
      2,
      2,
      [
        [2, 4],
        [3, 1],
      ],
      null,
      '1,3|2,4',
    ],
    [2, 2, [[4], [3], [2, 1]], null, '1,2|3|4'],
    [1, 4, [[4, 1]], [5, 3, 2], '1,4|!2,3,5'],
    [2, 1, [], [3, 1, 2], '!1,2,3'],
    [3, 0, [[1, 3]], [2], '1,3|!2'],
    [0, 0, [], null, ''],
    [
      12,
      0,
      [
        [10, 2],
        [1, 3, 4, 5, 6, 7, 8, 9, 11, 12],
      ],
      null,
      '1,3,4,5,6,7,8,9,11,12|2,10',
    ],
  ])('%j over %j, blocks %j, free %j', (l, k, blocks, free, key) => {
    const diagram = Diagram.of(l, k, blocks, free)
    expect(diagram.key).toBe(key)
    expect([diagram.l, diagram.k]).toEqual([l, k])
    expect(diagram.blocks.length).toBe(blocks.length)
    expect(diagram.free).toEqual(free && [...free].sort((a, b) => a - b))
    expect(Diagram.parse(key, k, l).equals(diagram)).toBe(true)
  })

  test('blocks come out ascending, by their least vertex, without the free ones', () => {
    const diagram = Diagram.of(
      3,
      4,
      [
        [7, 2],
        [6, 1],
      ],
      [5, 4, 3],
    )
    expect(diagram.blocks).toEqual([
      [1, 6],
      [2, 7],
    ])
    expect(diagram.free).toEqual([3, 4, 5])
  })

  test('every diagram of up to six vertices reads back from its key', () => {
    for (let size = 0; size <= 6; size++) {
      for (let l = 0; l <= size; l++) {
        for (const diagram of enumerateAll(l, size - l)) {
          const again = Diagram.parse(diagram.key, size - l, l)
          expect(again.equals(diagram)).toBe(true)
          expect(again.blocks).toEqual(diagram.blocks)
          expect(again.free).toEqual(diagram.free)
        }
      }
    }
  })

  test('a diagram is its key in JSON', () => {
    expect(JSON.stringify([Diagram.of(1, 1, [[1, 2]])])).toBe('["1,2"]')
    expect(`${Diagram.of(1, 1, [[2], [1]])}`).toBe('1|2')
  })
})

describe('equality', () => {
  const pair = Diagram.of(1, 1, [[1, 2]])
  test('goes by orders, blocks and free vertices', () => {
    expect(pair.equals(Diagram.parse('1,2', 1, 1))).toBe(true)
    expect(pair.equals(Diagram.of(2, 0, [[1, 2]]))).toBe(false)
    expect(pair.equals(Diagram.of(1, 1, [[1], [2]]))).toBe(false)
    expect(pair.equals(Diagram.of(1, 1, [], [1, 2]))).toBe(false)
  })

  test('a product diagram goes by factors and words', () => {
    const make = (top: string): Diagram => new ProductDiagram([pair, pair], ['a', 'b'], top, 'ab')
    expect(make('ab').equals(make('ab'))).toBe(true)
    expect(make('ab').equals(make('ba'))).toBe(false)
    expect(make('ab').equals(pair)).toBe(false)
    expect(pair.equals(make('ab'))).toBe(false)
    expect([make('ab').key, make('ab').l, make('ab').k]).toEqual(['1,2;1,2', 2, 2])
  })

  test('a diagram cannot be changed', () => {
    const diagram = Diagram.of(1, 2, [[1, 2]], [3])
    expect(() => (diagram.blocks as number[][]).push([3])).toThrow(TypeError)
    expect(() => (diagram.blocks[0] as number[]).push(3)).toThrow(TypeError)
    expect(() => (diagram.free as number[]).push(1)).toThrow(TypeError)
    expect(diagram.key).toBe('1,2|!3')
  })
})

describe('bad input', () => {
  const many = Array.from({ length: 20 }, (_, i) => i)
  test.each([
    [() => Diagram.of(1, 1, [[1]]), 'Diagram.of: expected all vertices 1..2, received blocks without 2'],
    [() => Diagram.of(1, 1, [[1, 2], [2]]), 'Diagram.of: expected every vertex once, received 2 twice'],
    [() => Diagram.of(1, 1, [[1, 2]], [2]), 'Diagram.of: expected every vertex once, received 2 twice'],
    [() => Diagram.of(1, 1, [[1, 3]]), 'Diagram.of: expected vertices in 1..2, received 3'],
    [() => Diagram.of(1, 1, [[0, 1]]), 'Diagram.of: expected vertices in 1..2, received 0'],
    [() => Diagram.of(1, 1, [[1.5, 2]]), 'Diagram.of: expected vertices in 1..2, received 1.5'],
    [() => Diagram.of(1, 1, [[1, 2], []]), 'Diagram.of: expected blocks of at least one vertex, received []'],
    [() => Diagram.of(1, 1, [[1, 2]], []), 'Diagram.of: expected blocks of at least one vertex, received []'],
    [() => Diagram.of(-1, 1, []), 'Diagram.of: expected l to be an integer of at least 0, received -1'],
    [() => Diagram.of(1, NaN, [[1]]), 'Diagram.of: expected k to be an integer of at least 0, received NaN'],
    [() => Diagram.of(1, 1, null as never), 'Diagram.of: expected an array of blocks, received null'],
    [() => Diagram.of(1, 1, [{}] as never), 'Diagram.of: expected blocks of at least one vertex, received {}'],
    [
      () => Diagram.of(1, 1, [[many]] as never),
      'Diagram.of: expected vertices in 1..2, received [0, 1, 2, 3, 4, 5, 6, 7, …]',
    ],
  ])('blocks %#', (call, message) => {
    expect(thrown(call)).toBe(`invalid-diagram | ${message}`)
  })

  test.each([
    '2,1',
    '2|1',
    '1, 2',
    '1,2|',
    '|1,2',
    '1,,2',
    '1,2;',
    '01,2',
    '1;2',
    '!',
    '!1|!2',
    '1,2,3',
    '1',
    '1,99999999999',
    '1,-2',
    '__proto__',
  ])('key %j of orders 1 -> 1', (key) => {
    expect(thrown(() => Diagram.parse(key, 1, 1))).toMatch(
      /^invalid-diagram \| diagram key ".*" of orders 1 -> 1: expected /,
    )
  })

  test('a key that is no text, and one with the wrong number of factors', () => {
    expect(thrown(() => Diagram.parse(3 as never, 1, 1))).toBe(
      'invalid-diagram | diagram key: expected a string, received 3',
    )
    expect(thrown(() => factorKeys('1,2', 2))).toBe(
      'invalid-diagram | diagram key "1,2": expected 2 factors joined by ";", received 1',
    )
    expect(factorKeys(';1', 2)).toEqual(['', '1'])
  })

  test('a key out of canonical form is told its canonical form', () => {
    expect(thrown(() => Diagram.parse('2,4|1,3', 2, 2))).toBe(
      'invalid-diagram | diagram key "2,4|1,3" of orders 2 -> 2: expected the canonical form "1,3|2,4", received "2,4|1,3"',
    )
  })
})
