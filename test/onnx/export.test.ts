import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import * as brauer from '../../lib/index.js'
import { batched, groupFrom, linear, Linear, Network, S, sequential, SO, tensor, type LinearOptions, type Space } from '../../lib/index.js' // prettier-ignore
import { exportOnnx } from '../../lib/onnx/index.js'
import { expectClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'
import { layers, options } from './cases.mjs'
import { decodeModel, evaluate, type Model } from './evaluate.js'
import { groups, networksOf } from './networks.mjs'
import { expectTidy } from './tidy.js'

/** A layer with parameters that are not zero, biases neither. */
function layerOf(group: string, input: Space, output: Space, given: LinearOptions, random: Random): Linear {
  const layer: Linear = linear(groupFrom(group), input, output, given)
  const drawn = Object.entries(layer.parameters).map(([name, { shape, size, dtype }]) => {
    return [name, tensor(Array.from(random.normals(size)), shape, dtype)] as const
  })
  layer.load(Object.fromEntries(drawn))
  return layer
}

const shapesOf = (layer: Linear, side: 'bottom' | 'top', batch: number): number[][] =>
  layer.plan[side].tensors.map(({ channels, extents }) => {
    return layer.options.layout === 'channels-first' ? [batch, channels, ...extents] : [batch, ...extents, channels]
  })

describe.each(layers)('%s %j -> %j', (group, input, output) => {
  test.each([...options, { dtype: 'float16', bias: true }] as LinearOptions[])('%j', (given) => {
    const random = new Random(1)
    const dtype = given.dtype ?? 'float64'
    const layer = layerOf(group, input, output, { ...given, dtype }, random)
    const model = decodeModel(exportOnnx(layer))
    const keys = (space: Space): string[] => Object.keys(space).sort((a, b) => a.replace('0', '').length - b.replace('0', '').length || (a < b ? -1 : 1)) // prettier-ignore
    const inputs = keys(input)
    for (const batch of [1, 3]) {
      const x = shapesOf(layer, 'bottom', batch).map((shape) => {
        const size = shape.reduce((a, b) => a * b, 1)
        return tensor(Array.from(random.normals(size)), shape, dtype)
      })
      const wanted = layer.forwardSync(Object.fromEntries(x.map((value, i) => [inputs[i]!, value])))
      const feeds = x.map((value, i) => [`x${inputs[i]!}`, { shape: value.shape, data: value.toNumbers() }] as const)
      const found = evaluate(model, Object.fromEntries(feeds))
      expect(Object.keys(found)).toEqual(keys(output).map((key) => `y${key}`))
      for (const key of keys(output)) {
        expect(found[`y${key}`]!.shape).toEqual(wanted[key]!.shape)
        const tolerance = dtype === 'float16' ? 1e-3 : 1e-13
        expectClose(found[`y${key}`]!.data, wanted[key]!.toNumbers(), tolerance, `y${key}`)
      }
    }
    // Ports have the layer's shapes, and the batch is open.
    const dims = (ports: Model['graph']['input']): unknown =>
      ports.map(({ type: { tensorType } }) =>
        tensorType.shape.dim.map(({ dimValue, dimParam }) => dimParam ?? dimValue),
      )
    const open = (shapes: number[][]): unknown => shapes.map(([, ...rest]) => ['batch', ...rest])
    expect(dims(model.graph.input)).toEqual(open(shapesOf(layer, 'bottom', 1)))
    expect(dims(model.graph.output)).toEqual(open(shapesOf(layer, 'top', 1)))
    const code = dtype === 'float16' ? 10 : 11
    for (const { type } of [...model.graph.input, ...model.graph.output]) expect(type.tensorType.elemType).toBe(code)
    expectTidy(model)
  })
})

const found = (() => {
  try {
    return createRequire(join(process.cwd(), 'bench', 'package.json')).resolve('onnxruntime-node') !== ''
  } catch {
    return false
  }
})()
const title = found ? '' : ': not tried, onnxruntime-node is not installed (npm install --prefix bench)'
;(found ? test : test.skip)(
  `onnxruntime-node computes what layers and networks do${title}`,
  () => {
    const script = join(process.cwd(), 'test', 'onnx', 'onnxruntime.mjs')
    const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    type Results = readonly { readonly name: string; readonly dtype: string; readonly error: number }[]
    const results = JSON.parse(stdout) as { layers: Results; networks: Results }
    const worse = (all: Results, tolerances: Record<string, number>): Results =>
      all.filter(({ dtype, error }) => !(error <= tolerances[dtype]!))
    expect(results.layers).toHaveLength(layers.length * (options.length + 2))
    expect(worse(results.layers, { float32: 1e-6, float64: 1e-13, float16: 1e-3 })).toEqual([])
    const made = groups.flatMap((group) => Object.keys(networksOf(brauer, group, 'float32')))
    // And one that was trained.
    expect(results.networks).toHaveLength(2 * made.length + 1)
    expect(worse(results.networks, { float32: 1e-5, float64: 1e-12 })).toEqual([])
  },
  600_000,
)

describe('the graph of a layer', () => {
  const count = (model: Model, ...names: string[]): number =>
    model.graph.node.filter(({ opType }) => names.includes(opType)).length
  const numbers = (model: Model): number =>
    model.graph.initializer.reduce((sum, { dims = [] }) => sum + dims.reduce((a, b) => a * b, 1), 0)

  test('has one product for each number of strands, of all 203 diagrams', () => {
    const layer = linear(S(6), { 3: 2 }, { 3: 2 })
    expect(layer.diagrams(3, 3)).toHaveLength(203)
    const model = decodeModel(exportOnnx(layer))
    expect(count(model, 'MatMul', 'Gemm')).toBe(4)
    // Of the 22 ways to read three indices, five sum over none; each of the others sums once, over what another left.
    expect(count(model, 'ReduceSum')).toBe(17)
  })

  test('holds no matrix of the layer, whichever way the layer itself is computed', () => {
    const n = 24
    const model = decodeModel(exportOnnx(linear(S(n), { 2: 1 }, { 2: 1 })))
    // 15 parameters, tables of a few rows of n, and what keeps a diagonal.
    expect(numbers(model)).toBeLessThan(3 * n * n)
    const dense = linear(S(2), { 2: 1 }, { 2: 1 }, { strategy: 'dense' })
    const shared = linear(S(2), { 2: 1 }, { 2: 1 }, { strategy: 'shared' })
    expect(exportOnnx(dense)).toEqual(exportOnnx(shared))
  })

  test('is of the operator set and the version that it says', () => {
    const model = decodeModel(exportOnnx(linear(SO(3), { 1: 1 }, { 1: 1 })))
    expect(model.irVersion).toBe(8)
    expect(model.opsetImport).toEqual([{ domain: '', version: 17 }])
  })

  test('has the same bytes whenever it is made', () => {
    const layer = linear(SO(3), { 1: 2, 2: 1 }, { 0: 1, 2: 2 }, { bias: true })
    expect(exportOnnx(layer)).toEqual(exportOnnx(layer))
  })

  test('has the parameters of now', () => {
    const layer = linear(S(3), { 1: 1 }, { 1: 1 })
    const before = exportOnnx(layer)
    layer.load({ 'weight.1.1': tensor([1, 2], [2, 1, 1]) })
    expect(exportOnnx(layer)).not.toEqual(before)
  })

  test('stores bfloat16 as such', () => {
    const model = decodeModel(exportOnnx(linear(S(3), { 1: 1 }, { 1: 1 }, { dtype: 'bfloat16' })))
    const [port] = [...model.graph.input, ...model.graph.output]
    expect(port!.type.tensorType.elemType).toBe(16)
  })
})

class Doubled extends Linear {}
class Sealed extends Network {}
const layer = linear(S(3), { 1: 1 }, { 1: 1 })
const as = <T extends object>(made: object, of: T): T => Object.setPrototypeOf(of, made) as T
const foreign = { ...sequential(layer), forward: () => Promise.resolve({}) }

test.each([
  [undefined, '', 'undefined'],
  [{ layer: 1 }, '', '{layer}'],
  [function relu() {}, '', 'function relu'],
  [batched(layer), '', 'Batched'],
  [foreign, '', '{group, input'],
  // Classes that are made of ours may compute something else.
  [as(Doubled.prototype, linear(S(3), { 1: 1 }, { 1: 1 })), '', 'Doubled'],
  [as(Sealed.prototype, sequential(layer)), '', 'Sealed'],
  [
    sequential(layer, sequential(as(Doubled.prototype, linear(S(3), { 1: 1 }, { 1: 1 })))),
    ', part 1, part 0',
    'Doubled',
  ],
])('what has no form in ONNX is refused by its name: %p', (what, where, name) => {
  const refusal = `exportOnnx${where}: expected a layer made by linear or a network, which has a form in ONNX, received ${name}`
  const refused = expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(refusal) })
  expect(() => exportOnnx(what as never)).toThrow(refused as unknown as Error)
})
