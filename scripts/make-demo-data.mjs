// Writes the two model files of examples/ through the library. Their layers are exact: the weights stand on diagrams by key.
// Usage: node scripts/make-demo-data.mjs [folder]     The folder is examples/ when left out; what it holds is replaced.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linear, O, S, saveModel, tensor } from '../dist/index.js'

const folder = process.argv[2] ?? fileURLToPath(new URL('../examples', import.meta.url))

// T -> tr(T)·I − T: with T = Σ m x xᵀ that is the tensor of inertia.
write('inertia', linear(O(3), { 2: 1 }, { 2: 1 }, { dtype: 'float64' }), {
  2: {
    2: [
      ['1,2|3,4', 0, 0, 1],
      ['1,3|2,4', 0, 0, -1],
    ],
  },
})

// Of a graph on 77 nodes. Input channels: the weights W, their pattern P, P² and P³. Output channels:
// order 0: twice the number of edges, and the number of triangles; order 1: strength, degree and triangles of every node;
// order 2: P² without its diagonal, the number of paths of length 2 between two different nodes.
const [W, P, P2, P3] = [0, 1, 2, 3]
write('graph', linear(S(77), { 2: 4 }, { 0: 2, 1: 3, 2: 1 }, { dtype: 'float64', expectedBatch: 1 }), {
  0: {
    2: [
      ['1|2', P, 0, 1],
      ['1,2', P3, 1, 1 / 6],
    ],
  },
  1: {
    2: [
      ['1,2|3', W, 0, 1],
      ['1,2|3', P, 1, 1],
      ['1,2,3', P3, 2, 1 / 2],
    ],
  },
  2: {
    2: [
      ['1,3|2,4', P2, 0, 1],
      ['1,2,3,4', P2, 0, -1],
    ],
  },
})

/** Saves a layer whose weights are 0 but for those given: by output order and input order, [key, channel in, channel out, weight]. */
function write(name, layer, weights) {
  const parameters = Object.fromEntries(
    Object.entries(layer.parameters).map(([name, { shape, size }]) => [name, tensor(new Float64Array(size), shape)]),
  )
  for (const [l, inputs] of Object.entries(weights)) {
    for (const [k, entries] of Object.entries(inputs)) {
      const { data, shape } = parameters[`weight.${k}.${l}`]
      const keys = layer.diagrams(Number(k), Number(l)).map((diagram) => diagram.key)
      for (const [key, from, to, weight] of entries) {
        const row = keys.indexOf(key)
        if (row < 0) throw new Error(`${name}: ${key} is no diagram of ${k} -> ${l}`)
        data[(row * shape[1] + from) * shape[2] + to] = weight
      }
    }
  }
  layer.load(parameters)
  writeFileSync(join(folder, `${name}.safetensors`), saveModel(layer))
}
