// Exports layers and networks, runs them in onnxruntime-node and prints, for each, the largest difference from its own result, relative to
// its norm. In a process of its own, since arrays of the addon are strangers to jest's modules.
import { createRequire } from 'node:module'
import * as brauer from '../../dist/index.js'
import { exportOnnx, onnxSession } from '../../dist/onnx/index.js'
import { layers, options } from './cases.mjs'
import { generator, groups, networksOf, shapesOf } from './networks.mjs'

const { groupFrom, linear, tensor } = brauer
const ort = createRequire(new URL('../../bench/package.json', import.meta.url))('onnxruntime-node')
const draw = generator(1)
// Numbers that are exact in float16, from −1 to 1.
const random = () => draw(129) / 64 - 1
const values = (shape, dtype) => tensor(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random), shape, dtype)

function error(received, wanted) {
  const [a, b] = [received, wanted].map((each) => tensor(each.data, [...each.dims], each.type).toNumbers())
  if (received.dims.join() !== wanted.dims.join() || received.type !== wanted.type) return Infinity
  const norm = Math.hypot(...b)
  return Math.hypot(...a.map((value, i) => value - b[i])) / (norm || 1)
}

/** The largest error over some batches. */
async function compare(module, batches) {
  const { dtype, layout } = module.options
  const session = await ort.InferenceSession.create(exportOnnx(module), { logSeverityLevel: 3, intraOpNumThreads: 1 })
  const own = onnxSession(module)
  const names = [session.inputNames.join(), session.outputNames.join()]
  if (names.join(';') !== [own.inputNames.join(), own.outputNames.join()].join(';')) throw new Error(`names: ${names}`)
  let worst = 0
  for (const batch of batches) {
    const shapes = shapesOf(module, batch)
    const feeds = Object.fromEntries(
      own.inputNames.map((name) => {
        const [items, ...rest] = shapes[name.slice(1)] ?? shapes['']
        const shape = layout === 'channels-first' ? [items, rest.at(-1), ...rest.slice(0, -1)] : [items, ...rest]
        return [name, new ort.Tensor(dtype, values(shape, dtype).data, shape)]
      }),
    )
    const [there, here] = [await session.run(feeds), await own.run(feeds)]
    for (const name of own.outputNames) {
      if (!(here[name] instanceof ort.Tensor)) throw new Error(`${name}: no tensor of onnxruntime`)
      worst = Math.max(worst, error(there[name], here[name]))
    }
  }
  await session.release()
  return worst
}

const found = { layers: [], networks: [] }
for (const [group, input, output] of layers) {
  for (const [dtype, given] of [
    ...options.map((each) => ['float32', each]),
    ['float64', {}],
    ['float16', { bias: true }],
  ]) {
    const layer = linear(groupFrom(group), input, output, { ...given, dtype })
    const drawn = Object.entries(layer.parameters).map(([name, { shape, dtype: type }]) => [name, values(shape, type)])
    layer.load(Object.fromEntries(drawn))
    const name = `${group} ${JSON.stringify([input, output, given])}`
    found.layers.push({ name, dtype, error: await compare(layer, [1, 3, 0]) })
  }
}
for (const group of groups)
  for (const dtype of ['float32', 'float64'])
    for (const [name, network] of Object.entries(networksOf(brauer, group, dtype)))
      found.networks.push({ name: `${group} ${name}`, dtype, error: await compare(network, [1, 7, 0]) })

const spaces = [{ 1: 2 }, { 0: 4, 1: 2 }, { 0: 2, 1: 2 }, { 2: 1 }]
const trained = brauer.sequential(
  linear(brauer.O(3), spaces[0], spaces[1], { bias: true }),
  brauer.gated(brauer.O(3), spaces[2], { activation: 'gelu' }),
  brauer.norms(brauer.O(3), spaces[2]),
  linear(brauer.O(3), spaces[2], spaces[3]),
)
const data = { x: { 1: values([24, 3, 2], 'float32') }, y: { 2: values([24, 3, 3, 1], 'float32') } }
await new brauer.Trainer(trained, data, { batch: 8 }).run(5)
found.networks.push({ name: 'trained', dtype: 'float32', error: await compare(trained, [1, 7, 0]) })
console.log(JSON.stringify(found))
