// Learns an invariant of two vectors under O(5), sin|x₁| − |x₂|³/2 + x₁·x₂ / (|x₁| |x₂|): one of the tasks of the paper on EMLP
// (arXiv:2104.09459, section 7.1), with normal vectors.
// npm run example:o5
import { invariants, linear, O, pointwise, sequential } from 'brauer'
import { orthogonal } from './random.js'
import { empty, type Task } from './task.js'

const group = O(5)
const [n, channels, hidden] = [5, 24, 48]

export const o5: Task = {
  name: 'o5',
  about: 'invariant of two vectors, O(5)',
  group,
  n,
  shapes: { x: { 1: [n, 2] }, y: { 0: [1] } },
  steps: 3000,
  batch: 100,
  learningRate: 3e-3,

  draw(count, { normal }) {
    const [x, y] = [empty(this.shapes.x, count), empty(this.shapes.y, count)]
    for (let item = 0; item < count; item++) {
      let [first, second, both] = [0, 0, 0]
      for (let i = 0; i < n; i++) {
        const [a, b] = [normal(), normal()]
        x['1']!.set([a, b], (item * n + i) * 2)
        first += a * a
        second += b * b
        both += a * b
      }
      y['0']![item] = Math.sin(Math.sqrt(first)) - second ** 1.5 / 2 + both / Math.sqrt(first * second)
    }
    return { count, x, y }
  },

  element: (random) => orthogonal(n, random),

  // Invariants of mixtures of the vectors, and a network on these.
  network: () =>
    sequential(
      linear(group, { 1: 2 }, { 1: channels }),
      invariants(group, { 1: channels }),
      linear(group, { 0: channels }, { 0: hidden }, { bias: true }),
      pointwise(group, { 0: hidden }, 'silu'),
      linear(group, { 0: hidden }, { 0: hidden }, { bias: true }),
      pointwise(group, { 0: hidden }, 'silu'),
      linear(group, { 0: hidden }, { 0: 1 }, { bias: true }),
    ),
}
