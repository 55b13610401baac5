// What is done to samples before a network sees them.
import { tensor, type Tensor } from 'brauer'
import { random, type Matrix } from './random.js'
import { empty, sizeOf, type Fields, type Samples, type Shapes, type Task } from './task.js'

/** Targets of mean square 1 and, as far as a group allows, mean 0: moved along invariant tensors and scaled by one factor, so that they
 *  turn as before. */
export function standardise({ group, n }: Task, { count, x, y }: Samples): Samples {
  const moved = Object.entries(y).map(([order, data]) => {
    if (order === '0' || (order === '1' && String(group).startsWith('S('))) {
      const mean = data.reduce((a, b) => a + b, 0) / data.length
      return [order, data.map((value) => value - mean)] as const
    }
    if (order !== '2') return [order, data] as const
    const diagonal = (at: number): boolean => (at % (n * n)) % (n + 1) === 0
    const mean = data.reduce((sum, value, at) => sum + (diagonal(at) ? value : 0), 0) / (n * count)
    return [order, data.map((value, at) => (diagonal(at) ? value - mean : value))] as const
  })
  const all = moved.flatMap(([, data]) => [...data])
  const deviation = Math.sqrt(all.reduce((sum, value) => sum + value * value, 0) / all.length)
  return {
    count,
    x,
    y: Object.fromEntries(moved.map(([order, data]) => [order, data.map((value) => value / deviation)])),
  }
}

export function slice({ shapes }: Task, { x, y }: Samples, from: number, count: number): Samples {
  const part = (fields: Fields, of: Shapes): Fields =>
    Object.fromEntries(
      Object.entries(fields).map(([order, data]) => {
        const size = sizeOf(of[order]!)
        return [order, data.subarray(from * size, (from + count) * size)]
      }),
    )
  return { count, x: part(x, shapes.x), y: part(y, shapes.y) }
}

/** Each item `copies` times, under random elements of the group. */
export function augment(task: Task, samples: Samples, copies: number): Samples {
  const draw = random(3)
  const count = copies * samples.count
  const elements = Array.from({ length: count }, () => task.element(draw))
  const turned = (fields: Fields, shapes: Shapes): Fields => {
    const result = empty(shapes, count)
    for (const [order, shape] of Object.entries(shapes)) {
      const size = sizeOf(shape)
      elements.forEach((g, i) => {
        const item = Math.floor(i / copies)
        const values = fields[order]!.subarray(item * size, (item + 1) * size)
        result[order]!.set(act(g, values, Number(order)), i * size)
      })
    }
    return result
  }
  return { count, x: turned(samples.x, task.shapes.x), y: turned(samples.y, task.shapes.y) }
}

/** g on every index of [n, …, n, channels]. */
function act(g: Matrix, item: Float64Array, order: number): Float64Array {
  const n = g.length
  let from = item
  for (let axis = 0; axis < order; axis++) {
    const to = new Float64Array(item.length)
    const [outer, inner] = [n ** axis, item.length / n ** (axis + 1)]
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++)
          for (let k = 0; k < inner; k++) to[(o * n + i) * inner + k]! += g[i]![j]! * from[(o * n + j) * inner + k]!
    from = to
  }
  return from
}

interface Tensors {
  readonly x: Record<string, Tensor>
  readonly y: Record<string, Tensor>
}

/** As an equivariant network takes them. */
export function byOrder({ shapes }: Task, { count, x, y }: Samples): Tensors {
  const side = (fields: Fields, of: Shapes): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(fields).map(([order, data]) => [order, tensor(Float32Array.from(data), [count, ...of[order]!])]),
    )
  return { x: side(x, shapes.x), y: side(y, shapes.y) }
}

/** As a network takes them that knows of no group: all components of an item side by side. */
export function flat({ shapes }: Task, { count, x, y }: Samples): Tensors {
  const side = (fields: Fields, of: Shapes): Record<string, Tensor> => {
    const width = widthOf(of)
    const all = new Float32Array(count * width)
    let at = 0
    for (const [order, data] of Object.entries(fields)) {
      const size = sizeOf(of[order]!)
      for (let i = 0; i < count; i++) all.set(data.subarray(i * size, (i + 1) * size), i * width + at)
      at += size
    }
    return { 0: tensor(all, [count, width]) }
  }
  return { x: side(x, shapes.x), y: side(y, shapes.y) }
}

export const widthOf = (shapes: Shapes): number => Object.values(shapes).reduce((sum, shape) => sum + sizeOf(shape), 0)
