import { describe, expect, test } from '@jest/globals'
import { O, S, SO, Sp, groupFrom, product } from '../../lib/groups/index.js'
import { Diagram } from '../../lib/diagrams/diagram.js'
import type { Group } from '../../lib/groups/group.js'
import { thrown } from '../diagrams/helpers.js'

describe('groups as values', () => {
  test.each([
    [S(5), 'S(5)', 'S', [{ letter: 'a', n: 5 }], true],
    [O(3), 'O(3)', 'O', [{ letter: 'a', n: 3 }], false],
    [SO(1), 'SO(1)', 'SO', [{ letter: 'a', n: 1 }], false],
    [Sp(4), 'Sp(4)', 'Sp', [{ letter: 'a', n: 4 }], false],
    [
      product(S(5), O(3)),
      'S(5)×O(3)',
      'S×O',
      [
        { letter: 'a', n: 5 },
        { letter: 'b', n: 3 },
      ],
      false,
    ],
    [
      product(S(5), S(2)),
      'S(5)×S(2)',
      'S×S',
      [
        { letter: 'a', n: 5 },
        { letter: 'b', n: 2 },
      ],
      true,
    ],
  ])('%s', (group, text, name, kinds, shares) => {
    expect([String(group), group.name, group.kinds, group.sharesOverN]).toEqual([text, name, kinds, shares])
    expect(Object.isFrozen(group) && Object.isFrozen(group.kinds) && Object.isFrozen(group.kinds[0])).toBe(true)
    expect(String(groupFrom(text))).toBe(text)
    const other = group.at(group.kinds.map(({ n }) => n + 2))
    expect(other.kinds.map(({ n }) => n)).toEqual(group.kinds.map(({ n }) => n + 2))
    expect([other.name, Object.isFrozen(other)]).toEqual([name, true])
  })

  test('groupFrom reads products with either sign, and blanks', () => {
    expect(String(groupFrom('S(5)xO(3)'))).toBe('S(5)×O(3)')
    expect(String(groupFrom(' S( 5 ) × SO(3) x Sp(2)'))).toBe('S(5)×SO(3)×Sp(2)')
  })

  test('products of products are flat', () => {
    const group = product(product(S(2), O(3)), Sp(2))
    expect([String(group), group.kinds.map(({ letter }) => letter).join('')]).toEqual(['S(2)×O(3)×Sp(2)', 'abc'])
  })
})

describe('bad groups', () => {
  for (const [name, family] of Object.entries({ S, O, SO, Sp })) {
    for (const n of [0, -2, 1.5, NaN, Infinity, 2 ** 53, '3', null, undefined, 3n]) {
      test(`${name} of ${String(n)}`, () => {
        expect(thrown(() => family(n as never))).toMatch(
          new RegExp(`^invalid-group \\| ${name}\\(n\\): expected n to be an integer of at least 1, received `),
        )
      })
    }
  }

  test('odd n for Sp', () => {
    expect(thrown(() => Sp(3))).toBe('invalid-group | Sp(n): expected n to be even, received 3')
    expect(thrown(() => Sp(4).at([5]))).toBe('invalid-group | Sp(n): expected n to be even, received 5')
  })

  test.each([
    '',
    'U(3)',
    'O',
    'O()',
    'O(3',
    'o(3)',
    'O(3.5)',
    'O(-3)',
    'O(3)×',
    '×',
    'O(3)*S(2)',
    'S(1e3)',
    'O(3) O(3)',
    'SO(3)SO',
  ])('groupFrom(%j)', (text) => {
    expect(thrown(() => groupFrom(text))).toMatch(/^invalid-group \| group: expected S\(n\), .* received "/)
  })

  test('groupFrom of other values', () => {
    expect(thrown(() => groupFrom(3 as never))).toBe(
      "invalid-group | group: expected a text such as 'O(3)', received 3",
    )
    expect(thrown(() => groupFrom('O(0)'))).toMatch(/^invalid-group \| O\(n\)/)
    expect(thrown(() => groupFrom('S(9999999999999999)'))).toMatch(/^invalid-group \| S\(n\)/)
  })

  test('at with the wrong number of sizes, products of nothing', () => {
    expect(thrown(() => O(3).at([1, 2]))).toBe('invalid-group | O(3).at: expected one n, received [1, 2]')
    expect(thrown(() => product(O(3), S(2)).at([1]))).toBe(
      'invalid-group | O(3)×S(2).at: expected 2 sizes, received [1]',
    )
    expect(thrown(() => (product as (...groups: Group[]) => Group)(O(3)))).toMatch(
      /^invalid-group \| product: expected two or more groups/,
    )
    expect(thrown(() => product(O(3), {} as never))).toMatch(
      /^invalid-group \| product: expected two or more groups, received/,
    )
  })
})

describe('orders', () => {
  test('are read from numbers and record keys', () => {
    expect([0, 3, '0', '12'].map((value) => O(3).parseOrder(value))).toEqual([0, 3, 0, 12])
    expect(O(3).indices(3)).toEqual([0, 0, 0])
    const group = product(S(5), O(3))
    expect(['', 0, '0', 'a', 'bab'].map((value) => group.parseOrder(value))).toEqual(['', '', '', 'a', 'bab'])
    expect(group.indices('aba')).toEqual([0, 1, 0])
  })

  test.each([
    -1,
    1.5,
    NaN,
    Infinity,
    '01',
    '1.0',
    '-1',
    '',
    ' 1',
    'a',
    '1e2',
    '99999999999999999',
    null,
    undefined,
    [1],
    2n,
  ])('O(3) has no order %p', (value) => {
    expect(thrown(() => O(3).parseOrder(value))).toMatch(
      /^invalid-order \| order of a space of O\(3\): expected an integer of at least 0, received /,
    )
  })

  test.each([1, '1', 'c', 'a b', 'A', null, ['a']])('S(5)×O(3) has no order %p', (value) => {
    expect(thrown(() => product(S(5), O(3)).parseOrder(value))).toMatch(
      /^invalid-order \| order of a space of S\(5\)×O\(3\): expected a word in a, b, received /,
    )
  })

  test('lists too long to make are refused at once', () => {
    expect(thrown(() => S(20).spanning(10, 10))).toMatch(/^size-overflow/)
    expect(thrown(() => S(20).independent(10, 10))).toMatch(/^size-overflow/)
    expect(thrown(() => O(3).independent(12, 12))).toMatch(/^size-overflow/)
    expect(thrown(() => SO(3).spanning(1000, 1000))).toMatch(/^size-overflow/)
    expect(S(1).independent(10, 10).length).toBe(1)
  })
})

describe('diagrams of a group', () => {
  test.each([
    [O(3), '1,2|3', 1, 2, 'invalid-diagram | diagram of O(3): expected pairs only, received "1,2|3"'],
    [O(3), '!1,2,3', 1, 2, 'invalid-diagram | diagram of O(3): expected pairs only, received "!1,2,3"'],
    [Sp(2), '1,2,3,4', 2, 2, 'invalid-diagram | diagram of Sp(2): expected pairs only, received "1,2,3,4"'],
    [S(3), '!1,2', 1, 1, 'invalid-diagram | diagram of S(3): expected blocks without "!", received "!1,2"'],
    [
      SO(3),
      '!1,2',
      1,
      1,
      'invalid-diagram | diagram of SO(3): expected pairs only, or pairs and 3 free vertices, received "!1,2"',
    ],
    [
      SO(2),
      '!1,2|3',
      2,
      1,
      'invalid-diagram | diagram of SO(2): expected pairs only, or pairs and 2 free vertices, received "!1,2|3"',
    ],
  ])('%s refuses %j', (group, key, k, l, message) => {
    expect(thrown(() => group.parse(key, k, l))).toBe(message)
  })

  test('a set partition may have more than n blocks', () => {
    expect(S(1).parse('1|2', 1, 1).key).toBe('1|2')
  })

  test.each([S(3), O(2), SO(2), SO(3), Sp(2), product(S(2), SO(2))])('%s reads back what it lists', (group) => {
    const orders =
      group.kinds.length === 1
        ? ([
            [2, 2],
            [1, 2],
            [4, 1],
          ] as const)
        : ([
            ['ab', 'ab'],
            ['aab', 'b'],
          ] as const)
    for (const [k, l] of orders) {
      for (const diagram of group.spanning(k, l)) expect(group.parse(diagram.key, k, l).equals(diagram)).toBe(true)
    }
  })

  test('orders that do not meet', () => {
    const [vector, matrix] = [Diagram.of(1, 1, [[1, 2]]), Diagram.of(2, 0, [[1, 2]])]
    expect(thrown(() => O(3).compose(vector, matrix))).toMatch(/^invalid-order \| compose/)
    expect(thrown(() => O(3).gram(vector, matrix))).toMatch(/^invalid-order \| gram/)
  })

  test('a product diagram is none of a simple group, and the other way round', () => {
    const both = product(O(3), O(3))
    const [pair] = both.spanning('aa', '')
    for (const call of [() => O(3).pieces(pair!), () => both.pieces(Diagram.of(2, 0, [[1, 2]]))]) {
      expect(thrown(call)).toMatch(/^invalid-diagram \| diagram of /)
    }
  })
})
