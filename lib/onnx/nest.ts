import { mergeLoops } from '../tape/contract.js'
import type { ProductLoop, ProductNest } from '../tape/form.js'
import type { Data } from '../tape/value.js'
import type { Graph, Value } from './graph.js'

/** A product of two values over a loop nest: each factor brought to one axis per loop, of extent 1 where it does not step, then multiplied,
 *  summed, and brought to the order of the output. Factors are values, or numbers that every item has.
 *  @returns undefined where the nest writes a place of the output twice, or not at all */
export function multiplyNest(
  graph: Graph,
  a: Value | Data,
  b: Value | Data,
  shape: readonly number[],
  nest: ProductNest,
): Value | undefined {
  const loops = mergeLoops(nest.loops)
  const order = inverse(placesOf(loops, 'out', nest.outBase), sizeOf(shape))
  if (!order) return undefined
  const extents = loops.map(({ extent }) => extent)
  const factors = [factor(graph, a, loops, 'a', nest.aBase), factor(graph, b, loops, 'b', nest.bBase)]
  const [first, second] = factors.filter((each) => each !== undefined) as [Value, Value?]
  let value = graph.whole(second ? graph.multiply(first, second) : first, extents)
  const alternate = loops.filter((loop) => loop.alternate)
  if (alternate.length > 0) {
    const signs = alternate.reduce((all: number[], { extent }) => all.flatMap((sign) => Array.from({ length: extent }, (_, t) => (t % 2 ? -sign : sign))), [1]) // prettier-ignore
    value = graph.multiply(value, graph.constant(signs, loops.map((loop) => (loop.alternate ? loop.extent : 1)))) // prettier-ignore
  }
  value = graph.sum(value, loops.flatMap(({ out }, axis) => (out === 0 ? [axis] : []))) // prettier-ignore
  return pick(graph, value, order, shape)
}

/** A factor with one axis for each loop; undefined for one that is 1 everywhere. */
function factor(
  graph: Graph,
  from: Value | Data,
  loops: readonly ProductLoop[],
  name: 'a' | 'b',
  base?: number,
): Value | undefined {
  const places = placesOf(loops, name, base)
  const extents = loops.map((loop) => (loop[name] === 0 ? 1 : loop.extent))
  if (!ArrayBuffer.isView(from)) return pick(graph, from, places, extents)
  const numbers = places.map((place) => from[place]!)
  return numbers.every((number) => number === 1) ? undefined : graph.constant(numbers, extents)
}

/** Where the loops that step through an array come by, row-major. */
function placesOf(loops: readonly ProductLoop[], name: 'out' | 'a' | 'b', base = 0): number[] {
  return loops.reduce(
    (places, { extent, [name]: step }) =>
      step === 0 ? places : places.flatMap((place) => Array.from({ length: extent }, (_, t) => place + t * step)),
    [base],
  )
}

/** Elements of a value by their places in it, in a new shape. Elements that stay side by side are moved as one. */
function pick(graph: Graph, value: Value, places: readonly number[], shape: readonly number[]): Value {
  const size = sizeOf(value.shape)
  if (places.length === size && places.every((place, i) => place === i)) return graph.reshape(value, shape)
  let block = size
  places.forEach((place, i) => {
    if (i === 0 || place !== places[i - 1]! + 1) block = divisor(divisor(block, place), i)
  })
  block = divisor(block, places.length)
  const rows = places.filter((_, i) => i % block === 0).map((place) => place / block)
  return graph.reshape(graph.gather(graph.reshape(value, [size / block, block]), 0, rows), shape)
}

/** The i of each places[i], where they are the numbers below `size`, each once. */
function inverse(places: readonly number[], size: number): number[] | undefined {
  const result = new Array<number>(size).fill(-1)
  places.forEach((place, i) => (result[place] = i))
  return places.length === size && result.length === size && result.every((i) => i >= 0) ? result : undefined
}

/** The greatest common divisor. */
const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
