// Learns the inertia tensor of five point masses, Σ m (|r|² 1 − r rᵀ), from their masses and places: O(3). The task is one of the paper on
// EMLP (arXiv:2104.09459, section 7.1): masses softplus of normal numbers, places normal.
// npm run example:inertia
import { bilinear, linear, O, sequential } from 'brauer'
import { orthogonal } from './random.js'
import { empty, type Task } from './task.js'

const group = O(3)
const [masses, n, channels] = [5, 3, 32]

export const inertia: Task = {
  name: 'inertia',
  about: 'inertia tensor, O(3)',
  group,
  n,
  shapes: { x: { 0: [masses], 1: [n, masses] }, y: { 2: [n, n, 1] } },
  steps: 3000,
  batch: 100,
  learningRate: 1e-2,

  draw(count, { normal }) {
    const [x, y] = [empty(this.shapes.x, count), empty(this.shapes.y, count)]
    for (let item = 0; item < count; item++) {
      const tensor = y['2']!.subarray(item * n * n, (item + 1) * n * n)
      for (let p = 0; p < masses; p++) {
        const mass = Math.log1p(Math.exp(normal()))
        const r = [normal(), normal(), normal()]
        const square = r.reduce((sum, value) => sum + value * value, 0)
        x['0']![item * masses + p] = mass
        r.forEach((value, i) => (x['1']![(item * n + i) * masses + p] = value))
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) tensor[i * n + j]! += mass * ((i === j ? square : 0) - r[i]! * r[j]!)
      }
    }
    return { count, x, y }
  },

  element: (random) => orthogonal(n, random),

  // Products of masses and places, then of these with places.
  network: () =>
    sequential(
      linear(group, { 0: masses, 1: masses }, { 0: channels, 1: 2 * channels }, { bias: true }),
      bilinear(group, { 0: channels, 1: channels }, { 1: channels }, { 1: 2 * channels }),
      bilinear(group, { 1: channels }, { 1: channels }, { 2: 1 }, { bias: true }),
    ),
}
