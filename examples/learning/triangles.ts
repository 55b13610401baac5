// Learns in how many triangles each node of a graph lies: S(n). The graphs are parts of a real one, of who appears with whom in Les
// Misérables, each found by going from one character to others.
// npm run example:triangles
import { readFileSync } from 'node:fs'
import { bilinear, linear, S, sequential, tensor, type Network } from 'brauer'
import { permutation, shuffled } from './random.js'
import { empty, type Task } from './task.js'

const n = 8
const group = S(n)
const channels = 2
const options = { bias: true, normalize: 'mean' } as const

const file = new URL('../../examples/data/les_miserables.json', import.meta.url)
const { nodes, edges } = JSON.parse(readFileSync(file, 'utf8')) as {
  nodes: string[]
  edges: [number, number, number][]
}
const neighbours: Set<number>[] = nodes.map(() => new Set())
for (const [a, b] of edges) {
  neighbours[a]!.add(b)
  neighbours[b]!.add(a)
}

export const triangles: Task = {
  name: 'triangles',
  about: 'triangles at each node of graphs of 8, S(8)',
  group,
  n,
  shapes: { x: { 2: [n, n, 1] }, y: { 1: [n, 1] } },
  steps: 3000,
  batch: 25,
  learningRate: 1e-2,

  draw(count, random) {
    const [x, y] = [empty(this.shapes.x, count), empty(this.shapes.y, count)]
    for (let item = 0; item < count; item++) {
      const people = [Math.floor(random.uniform() * nodes.length)]
      while (people.length < n) {
        const near = [...new Set(people.flatMap((one) => [...neighbours[one]!]))].filter((one) => !people.includes(one))
        people.push(near[Math.floor(random.uniform() * near.length)]!)
      }
      const order = shuffled(n, random)
      const linked = (i: number, j: number): number => Number(neighbours[people[order[i]!]!]!.has(people[order[j]!]!))
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          x['2']![(item * n + i) * n + j] = linked(i, j)
          for (let k = 0; k < j; k++) y['1']![item * n + i]! += linked(i, j) * linked(j, k) * linked(k, i)
        }
    }
    return { count, x, y }
  },

  element: (random) => permutation(n, random),

  // Products of two matrices, and of these with a third.
  network: () =>
    scaled(
      sequential(
        linear(group, { 2: 1 }, { 2: 2 * channels }, options),
        bilinear(group, { 2: channels }, { 2: channels }, { 2: 2 * channels }, options),
        bilinear(group, { 2: channels }, { 2: channels }, { 1: 1 }, options),
      ),
      0.1,
    ),
}

/** Smaller weights to begin with: those of a layer are drawn for inputs of mean 0, of which sums over indices stay small. */
function scaled(network: Network, factor: number): Network {
  const { parameters } = network
  const smaller = Object.entries(parameters).map(([name, { data, shape }]) => [
    name,
    tensor(
      Float32Array.from(data, (value) => Number(value) * factor),
      shape,
    ),
  ])
  network.load(Object.fromEntries(smaller))
  return network
}
