import { expect, test } from '@jest/globals'
import { Diagram, ProductDiagram, type BlockDiagram } from '../../lib/diagrams/diagram.js'
import { enumerateAll } from './helpers.js'

const PICTURES: [key: string, k: number, l: number, ...lines: string[]][] = [
  ['1,3|2,4', 2, 2, '1   2', '│   │', '3   4'],
  ['1,4|2,3', 2, 2, '1   2', '╰───│─╮', '  ╭─╯ │', '  3   4'],
  ['1,2|3,4', 2, 2, '1   2', '╰───╯', '╭───╮', '3   4'],
  ['1,2,4|3|5', 2, 3, '1   2   3', '│   │   ╵', '├───╯', '│   ╷', '4   5'],
  ['!1,4,5|2,3', 2, 3, '1   2   3', '!   │   │', '    ╰───╯', '!   !', '4   5'],
  ['1,4|2,3', 0, 4, '1   2   3   4', '│   ╰───╯   │', '╰───────────╯'],
  ['1', 1, 0, '╷', '1'],
  ['', 0, 0, '∅'],
] // prettier-ignore

test.each(PICTURES)('%j, %i -> %i', (key, k, l, ...lines) => {
  expect(Diagram.parse(key, k, l).draw()).toBe(lines.join('\n'))
})

test('a product is drawn factor by factor', () => {
  const strand = Diagram.of(1, 1, [[1, 2]])
  const product = new ProductDiagram([strand, Diagram.of(1, 0, [[1]])], ['a', 'b'], 'ab', 'a')
  expect(product.draw()).toBe(['a', '1', '│', '2', '', 'b', '1', '╵'].join('\n'))
})

const [UP, DOWN, LEFT, RIGHT] = [1, 2, 4, 8] as const
const ARMS = ' ╵╷│╴╯╮┤╶╰╭├─┴┬┼'
const STEPS: Record<number, [number, number, number]> = {
  [UP]: [-1, 0, DOWN],
  [DOWN]: [1, 0, UP],
  [LEFT]: [0, -1, RIGHT],
  [RIGHT]: [0, 1, LEFT],
}

/** Follows the lines of a picture and gives the key of what it shows. */
function readBack(text: string, l: number, k: number): string {
  const rows = text.split('\n').map((line) => [...line])
  const mark = (row: number, x: number): string => rows[row]?.[x] ?? ' '
  const labels = new Map<string, number>()
  const starts: [vertex: number, row: number, x: number][] = []
  for (const row of [...(l > 0 ? [0] : []), ...(k > 0 ? [rows.length - 1] : [])]) {
    for (let x = 0; x < rows[row]!.length; x++) {
      // The first character of a number marks its column.
      if (mark(row, x) === ' ' || mark(row, x - 1) !== ' ') continue
      starts.push([starts.length + 1, row, x])
      labels.set(`${row},${x}`, starts.length)
    }
  }
  expect(starts.length).toBe(l + k)
  const blocks = new Set<string>()
  const free: number[] = []
  for (const [vertex, row, x] of starts) {
    const reached = new Set([vertex])
    const seen = new Set<string>()
    // Cells to enter, with the arm by which they are entered.
    const open: [number, number, number][] = [[vertex <= l ? row + 1 : row - 1, x, vertex <= l ? UP : DOWN]]
    while (open.length > 0) {
      const [r, c, from] = open.pop()!
      const label = labels.get(`${r},${c}`)
      if (label !== undefined) reached.add(label)
      if (label !== undefined || seen.has(`${r},${c},${from}`)) continue
      seen.add(`${r},${c},${from}`)
      const here = mark(r, c)
      if (here === '!') free.push(vertex)
      // A vertical line in the way of a horizontal one is a crossing.
      const arms = here === '│' && (from === LEFT || from === RIGHT) ? LEFT | RIGHT : Math.max(0, ARMS.indexOf(here))
      if (here !== '!' && (arms & from) === 0) throw new Error(`a line ends at ${r},${c} in\n${text}`)
      for (const arm of [UP, DOWN, LEFT, RIGHT]) {
        if (arm === from || (arms & arm) === 0) continue
        const [dr, dc, back] = STEPS[arm]!
        open.push([r + dr, c + dc, back])
      }
    }
    if (!free.includes(vertex)) blocks.add([...reached].sort((a, b) => a - b).join())
  }
  const lists = [...blocks].map((block) => block.split(',').map(Number))
  return Diagram.of(l, k, lists, free.length > 0 ? free : null).key
}

test('the pictures of all diagrams of up to six vertices show their diagrams', () => {
  let count = 0
  for (let size = 1; size <= 6; size++) {
    for (let l = 0; l <= size; l++) {
      for (const diagram of enumerateAll(l, size - l) as Iterable<BlockDiagram>) {
        const text = diagram.draw()
        if (readBack(text, l, size - l) !== diagram.key) throw new Error(`${diagram.key}\n${text}`)
        count++
      }
    }
  }
  expect(count).toBeGreaterThan(2000)
})
