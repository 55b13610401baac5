/** What a picture is drawn of; structural, so that this file needs no diagram. */
interface Drawable {
  draw(): string
}

interface Wire {
  /** Columns of its vertices in the top and in the bottom row. */
  readonly top: readonly number[]
  readonly bottom: readonly number[]
  readonly left: number
  readonly right: number
  lane: number
}

const STEP = 4

/** Draws blocks (1-based vertices, l on top) as wires: every block has a horizontal lane between the rows, to which its
 *  vertices run. Where wires cross, the vertical one is drawn over the horizontal one, with no junction. Lone vertices end in a
 *  stub, free ones (block `freeBlock`) in `!`. */
export function drawBlocks(l: number, k: number, blocks: readonly (readonly number[])[], freeBlock: number): string {
  if (l + k === 0) return '∅'
  const lone = (block: readonly number[], number: number): boolean => block.length === 1 || number === freeBlock
  const joined = blocks.filter((block, number) => !lone(block, number))
  // Straight columns first; where wires would run over one another, the bottom row is shifted by half a step.
  let shift = 0
  let wires = route(joined, l, shift)
  if (wires === null) {
    shift = STEP / 2
    wires = route(joined, l, shift) as Wire[]
  }
  const column = (vertex: number): number => (vertex <= l ? STEP * (vertex - 1) : STEP * (vertex - l - 1) + shift)

  const stubs = blocks.flatMap((block, number) => (lone(block, number) ? block.map((v) => ({ v, number })) : []))
  const stubsAbove = stubs.some(({ v }) => v <= l)
  const stubsBelow = stubs.some(({ v }) => v > l)
  const first = Number(l > 0) + Number(stubsAbove)
  const lanes = Math.max(Number(wires.length > 0), ...wires.map((wire) => wire.lane + 1))
  const last = first + lanes + Number(stubsBelow)
  const grid = Array.from({ length: last + Number(k > 0) }, () => [] as string[])
  const put = (row: number, x: number, mark: string): void => {
    ;(grid[row] as string[])[x] = mark
  }

  for (const { left, right, lane } of wires) for (let x = left; x <= right; x++) put(first + lane, x, '─')
  for (const { top, bottom, lane } of wires) {
    for (const x of top) for (let row = Number(l > 0); row < first + lane; row++) put(row, x, '│')
    for (const x of bottom) for (let row = first + lane + 1; row < last; row++) put(row, x, '│')
  }
  for (const { top, bottom, left, right, lane } of wires) {
    for (const x of new Set([...top, ...bottom])) {
      const arms =
        Number(top.includes(x)) + 2 * Number(bottom.includes(x)) + 4 * Number(x > left) + 8 * Number(x < right)
      put(first + lane, x, JUNCTIONS[arms] as string)
    }
  }
  for (const { v, number } of stubs) {
    const mark = number === freeBlock ? '!' : v <= l ? '╵' : '╷'
    put(v <= l ? 1 : last - 1, column(v), mark)
  }
  for (let v = 1; v <= l + k; v++) [...String(v)].forEach((digit, i) => put(v <= l ? 0 : last, column(v) + i, digit))
  return grid.map((row) => Array.from(row, (mark) => mark ?? ' ').join('')).join('\n')
}

/** Arms of a junction: 1 up, 2 down, 4 left, 8 right. */
const JUNCTIONS = [' ', '╵', '╷', '│', '╴', '╯', '╮', '┤', '╶', '╰', '╭', '├', '─', '┴', '┬', '┼']

/** Gives every wire a lane, or null where two would have to share a piece of a column. */
function route(blocks: readonly (readonly number[])[], l: number, shift: number): Wire[] | null {
  const waiting = blocks.map((block): Wire => {
    const top = block.filter((v) => v <= l).map((v) => STEP * (v - 1))
    const bottom = block.filter((v) => v > l).map((v) => STEP * (v - l - 1) + shift)
    return { top, bottom, left: Math.min(...top, ...bottom), right: Math.max(...top, ...bottom), lane: 0 }
  })
  // Short caps first and short cups last, so that nested arcs do not cross.
  const rank = ({ top, bottom, left, right }: Wire): number =>
    bottom.length === 0 ? right - left - 1e9 : top.length === 0 ? 1e9 - (right - left) : 0
  waiting.sort((a, b) => rank(a) - rank(b) || a.left - b.left)
  // A column with a top vertex of a and a bottom vertex of b needs the lane of a above that of b.
  const above = (a: Wire, b: Wire): boolean => a !== b && a.top.some((x) => b.bottom.includes(x))
  const placed: Wire[] = []
  while (waiting.length > 0) {
    const next = waiting.findIndex((wire) => !waiting.some((other) => above(other, wire)))
    if (next < 0) return null
    const [wire] = waiting.splice(next, 1) as [Wire]
    for (const other of placed) if (above(other, wire)) wire.lane = Math.max(wire.lane, other.lane + 1)
    const blocked = (other: Wire): boolean =>
      other.lane === wire.lane && other.left <= wire.right && wire.left <= other.right
    while (placed.some(blocked)) wire.lane++
    placed.push(wire)
  }
  return placed
}

/** Draws the factors of a product one after the other, each under its letter. */
export function drawFactors(factors: readonly Drawable[], letters: readonly string[]): string {
  return factors.map((factor, i) => `${letters[i]}\n${factor.draw()}`).join('\n\n')
}
