import { groupFrom, linear, tensor, type Linear, type Tensor } from '../../dist/index.js'
import { cudaInfo } from '../../dist/backends/native.js'
import { product } from '../../dist/tensor/size.js'
import { relativeError } from '../proof.js'
import { inputAt } from './data.js'
import { vectorLayers, type VectorLayer } from './vectors.js'

type Dtype = 'float32' | 'float64'
/** As in bench/gpu/session.h. */
const bounds = { float32: 2e-6, float64: 1e-13 }

// The layers of the conformance vectors from JavaScript, on a device against the reference backend. The exit status is 77 where
// there is no device, unless BRAUER_REQUIRE_GPU=1 makes that a failure.
const info = cudaInfo()
const problem = info.problem || info.devices[0]?.problem
if (problem) {
  console.log(`0 passed, 0 failed, 1 skipped: ${problem}`)
  process.exit(process.env['BRAUER_REQUIRE_GPU'] === '1' ? 1 : 77)
}
let [passed, failed] = [0, 0]
for (const layer of vectorLayers) {
  for (const dtype of ['float32', 'float64'] as const) {
    for (const mode of ['fused', 'staged'] as const) await compare(layer, dtype, mode)
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function compare(
  { name, group, input, output, batch, options }: VectorLayer,
  dtype: Dtype,
  mode: 'fused' | 'staged',
) {
  const make = <D extends Dtype>(type: D, more: object): Linear<typeof input, typeof output, D> =>
    linear(groupFrom(group), input, output, { ...options, ...more, dtype: type })
  const found = make(dtype, { backend: 'cuda', cuda: { mode } })
  const right = make('float64', { backend: 'reference' })
  right.load(
    Object.fromEntries(
      Object.entries(found.parameters).map(([key, each]) => [key, tensor(Float64Array.from(each.data), each.shape)]),
    ),
  )
  const shapes = (y: Record<string, Tensor>) => Object.entries(y).map(([order, { shape }]) => [order, shape] as const)
  // Random numbers that float32 holds exactly.
  const fill = (of: readonly (readonly [string, readonly number[]])[], type: Dtype, seed: number) =>
    Object.fromEntries(
      of.map(([order, shape], at) => {
        const data = Float64Array.from({ length: product(shape, name) }, (_, i) => Math.fround(inputAt(seed + at, i)))
        return [order, type === 'float64' ? tensor(data, shape) : tensor(Float32Array.from(data), shape)]
      }),
    )
  const inputs = inputShapes(right, input, options, batch)
  const [x, wide] = [fill(inputs, dtype, 1), fill(inputs, 'float64', 1)]
  const y = await found.forward(x)
  const outputs = shapes(y)
  const [g, wideG] = [fill(outputs, dtype, 50), fill(outputs, 'float64', 50)]
  judge(`${name} ${dtype} ${mode} forward`, y, right.forwardSync(wide), bounds[dtype])
  judge(
    `${name} ${dtype} ${mode} input gradient`,
    await found.inputGradient(g),
    right.inputGradientSync(wideG),
    bounds[dtype],
  )
  judge(
    `${name} ${dtype} ${mode} weight gradient`,
    await found.weightGradient(x, g),
    right.weightGradientSync(wide, wideG),
    bounds[dtype],
  )
}

function inputShapes(
  layer: Linear,
  input: VectorLayer['input'],
  options: VectorLayer['options'],
  batch: number,
): [string, number[]][] {
  const of = layer.group
  return Object.entries(input).map(([order, channels]) => {
    const extents = of.indices(of.parseOrder(order)).map((kind) => of.kinds[kind]!.n)
    return [order, options?.layout === 'channels-first' ? [batch, channels, ...extents] : [batch, ...extents, channels]]
  })
}

function judge(
  what: string,
  found: Readonly<Record<string, Tensor>>,
  right: Readonly<Record<string, Tensor>>,
  bound: number,
): void {
  for (const [key, { data }] of Object.entries(right)) {
    const error = relativeError(found[key]!.data as Float64Array, data as Float64Array)
    // Not `>`: no number compares with NaN.
    if (error <= bound) passed++
    else {
      failed++
      console.log(`FAILED  ${what}, ${key}: wrong by ${error.toPrecision(2)}`)
    }
  }
}
