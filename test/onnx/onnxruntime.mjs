// Exports layers, runs them in onnxruntime-node and prints, for each, the largest difference from the layer's own result, relative to its
// norm. In a process of its own, since arrays of the addon are strangers to jest's modules.
import { createRequire } from 'node:module'
import { groupFrom, linear, tensor } from '../../dist/index.js'
import { exportOnnx, onnxSession } from '../../dist/onnx/index.js'
import { layers, options } from './cases.mjs'

const ort = createRequire(new URL('../../bench/package.json', import.meta.url))('onnxruntime-node')
let seed = 1
// Numbers that are exact in float16, from −1 to 1.
const random = () => ((seed = (seed * 48271) % 2147483647) % 129) / 64 - 1
const values = (shape, dtype) => tensor(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random), shape, dtype)

function error(received, wanted) {
  const [a, b] = [received, wanted].map((each) => tensor(each.data, [...each.dims], each.type).toNumbers())
  if (received.dims.join() !== wanted.dims.join() || received.type !== wanted.type) return Infinity
  const norm = Math.hypot(...b)
  return Math.hypot(...a.map((value, i) => value - b[i])) / (norm || 1)
}

const found = []
for (const [group, input, output] of layers) {
  for (const [dtype, given] of [
    ...options.map((each) => ['float32', each]),
    ['float64', {}],
    ['float16', { bias: true }],
  ]) {
    const layer = linear(groupFrom(group), input, output, { ...given, dtype })
    const { parameters } = layer
    layer.load(
      Object.fromEntries(
        Object.entries(parameters).map(([name, { shape, dtype: type }]) => [name, values(shape, type)]),
      ),
    )
    const session = await ort.InferenceSession.create(exportOnnx(layer), { logSeverityLevel: 3, intraOpNumThreads: 1 })
    const own = onnxSession(layer)
    const names = [session.inputNames.join(), session.outputNames.join()]
    if (names.join(';') !== [own.inputNames.join(), own.outputNames.join()].join(';'))
      throw new Error(`names: ${names}`)
    let worst = 0
    for (const batch of [1, 3, 0]) {
      const feeds = Object.fromEntries(
        layer.plan.bottom.tensors.map(({ channels, extents }, i) => {
          const shape = given.layout ? [batch, channels, ...extents] : [batch, ...extents, channels]
          return [own.inputNames[i], new ort.Tensor(dtype, values(shape, dtype).data, shape)]
        }),
      )
      const [there, here] = [await session.run(feeds), await own.run(feeds)]
      for (const name of own.outputNames) {
        if (!(here[name] instanceof ort.Tensor)) throw new Error(`${name}: no tensor of onnxruntime`)
        worst = Math.max(worst, error(there[name], here[name]))
      }
    }
    found.push({ layer: `${group} ${JSON.stringify([input, output, given])}`, dtype, error: worst })
    await session.release()
  }
}
console.log(JSON.stringify(found))
