/** One layer of the library against the dense sum: all three maps, shapes, types and names. */
import { linear, O, S, SO, Sp, tensor } from '../../lib/index.js'
import { on, type BackendName } from '../support/backends.js'
import { expectRecordsClose } from '../support/compare.js'
import { basisOf, type Basis, type GroupName } from '../support/dense.js'
import { Random } from '../support/group-elements.js'
import { decodeAll, encodeAll } from '../support/half.js'
import * as dense from '../support/layer.js'
import { orders, sizeOf, toChannelsFirst, fromChannelsFirst, type Record64, type Space } from '../support/layer.js'

export type DType = 'float64' | 'float32' | 'float16' | 'bfloat16'
export type Layer = ReturnType<typeof linear>
export type Tensor = ReturnType<typeof tensor>

export interface Options {
  readonly dtype: DType
  readonly backend: BackendName
  readonly threads: number
  readonly basis: Basis
  readonly normalize: 'sum' | 'mean'
  readonly layout: 'channels-last' | 'channels-first'
  readonly bias: boolean
  readonly way: Way
}

/** How the layer is to be computed: a strategy by its name, or the planner's steps one by one. */
export type Way =
  | { readonly strategy: 'auto' | 'dense' | 'diagrams' | 'shared' | 'fourier' }
  | { readonly steps: { readonly share: boolean; readonly classes: boolean; readonly fourier: boolean } }

export interface Case extends Options {
  readonly group: GroupName
  readonly n: number
  readonly input: Space
  readonly output: Space
  readonly batch: number
  readonly call: 'sync' | 'async'
}

export const groupOf = (name: GroupName, n: number) => ({ S, O, SO, Sp })[name](n)

/** Relative to the norm of the answer, for data that is stored exactly. */
export const TOLERANCE = { float64: 1e-12, float32: 2e-6 } as const

export const layerOf = ({
  group,
  n,
  input,
  output,
  dtype,
  backend,
  threads,
  basis,
  normalize,
  layout,
  bias,
  way,
}: Case) =>
  linear(groupOf(group, n), input, output, { dtype, ...on(backend), threads, basis, normalize, layout, bias, ...way })

/** Values as the library stores them, and what those stored values are exactly. */
export function store(values: ArrayLike<number>, dtype: DType) {
  if (dtype === 'float64') return { data: Float64Array.from(values), exact: Float64Array.from(values) }
  if (dtype === 'float32')
    return { data: Float32Array.from(values), exact: Float64Array.from(Float32Array.from(values)) }
  const data = encodeAll(values, dtype)
  return { data, exact: decodeAll(data, dtype) }
}

export const parameterType = (dtype: DType): 'float64' | 'float32' => (dtype === 'float64' ? 'float64' : 'float32')

export function shapeOf(spec: Pick<Case, 'n' | 'layout' | 'batch'>, space: Space, order: number): number[] {
  const indices = new Array<number>(order).fill(spec.n)
  const channels = space[order] as number
  return spec.layout === 'channels-last' ? [spec.batch, ...indices, channels] : [spec.batch, channels, ...indices]
}

/** Channels-last doubles, one array per order -> the library's tensors in its layout and type, and the exact stored values. */
export function pack(spec: Case, space: Space, values: Record64): { tensors: Record<number, Tensor>; exact: Record64 } {
  const tensors: Record<number, Tensor> = {}
  const exact: Record64 = {}
  for (const order of orders(space)) {
    const { n, batch, layout, dtype } = spec
    const stored = store(values[order] as Float64Array, dtype)
    exact[order] = stored.exact
    const data =
      layout === 'channels-last'
        ? stored.data
        : store(toChannelsFirst(stored.exact, batch, n, order, space[order] as number), dtype).data
    tensors[order] = tensor(data, shapeOf(spec, space, order), dtype)
  }
  return { tensors, exact }
}

/** The library's tensors -> channels-last doubles, having checked orders, shapes and types. */
export function unpack(spec: Case, space: Space, tensors: Readonly<Record<number, Tensor>>, label: string): Record64 {
  same(Object.keys(tensors).sort(), orders(space).map(String), `${label}: orders`)
  return Object.fromEntries(
    orders(space).map((order) => {
      const { shape, dtype, data } = tensors[order] as Tensor
      same(shape, shapeOf(spec, space, order), `${label}: shape at order ${order}`)
      same(dtype, spec.dtype, `${label}: dtype at order ${order}`)
      const values =
        dtype === 'float16' || dtype === 'bfloat16'
          ? decodeAll(data as Uint16Array, dtype)
          : Float64Array.from(data as Float32Array)
      return [
        order,
        spec.layout === 'channels-last'
          ? values
          : fromChannelsFirst(values, spec.batch, spec.n, order, space[order] as number),
      ]
    }),
  )
}

export function same(received: unknown, wanted: unknown, label: string): void {
  const [a, b] = [JSON.stringify(received), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${label}: expected ${b}, received ${a}`)
}

export function randomValues(spec: Case, space: Space, random: Random): Record64 {
  return Object.fromEntries(
    orders(space).map((order) => [order, random.normals(spec.batch * sizeOf(spec.n, space, order))]),
  )
}

/** Random parameters of the layer's type: as the library takes them, and as exact doubles. */
export function randomParameters(spec: Case, random: Random) {
  const drawn = dense.drawParameters(spec, () => random.normal())
  const tensors: Record<string, Tensor> = {}
  const exact: Record<string, { shape: number[]; data: Float64Array }> = {}
  for (const [name, { shape, data }] of Object.entries(drawn)) {
    const stored = store(data, parameterType(spec.dtype))
    tensors[name] = tensor(stored.data, shape)
    exact[name] = { shape, data: stored.exact }
  }
  return { tensors, exact }
}

/** Parameters (or their gradients) -> exact doubles, having checked names, shapes and types. */
export function unpackParameters(spec: Case, tensors: Readonly<Record<string, Tensor>>, label: string): Record64 {
  const shapes = dense.parameterShapes(spec)
  same(Object.keys(tensors).sort(), Object.keys(shapes).sort(), `${label}: names`)
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const parameter = tensors[name] as Tensor
      same(parameter.shape, shape, `${label}: shape of ${name}`)
      same(parameter.dtype, parameterType(spec.dtype), `${label}: dtype of ${name}`)
      return [name, Float64Array.from(parameter.data as Float32Array)]
    }),
  )
}

/** The diagrams of every pair of orders are those of the definition, in its order. */
export function checkDiagrams(spec: Case, layer: Layer): void {
  for (const k of [0, ...orders(spec.input)]) {
    for (const l of orders(spec.output)) {
      const wanted = basisOf(spec.group, spec.n, k, l, spec.basis).map(({ diagram }) => diagram.key)
      same(
        layer.diagrams(k, l).map((diagram) => diagram.key),
        wanted,
        `diagrams(${k}, ${l})`,
      )
    }
  }
}

/** Products of the dense matrix, which bound those of every other way. */
export const productsOf = ({ n, input, output, batch }: Pick<Case, 'n' | 'input' | 'output' | 'batch'>): number => {
  const size = (space: Space) => orders(space).reduce((sum, order) => sum + sizeOf(n, space, order), 0)
  return batch * size(input) * size(output)
}

/** Runs all three maps and both gradients together, and compares. 16-bit storage has its own tolerances and is compared elsewhere. */
export async function checkCase(spec: Case, seed: number): Promise<void> {
  const tolerance = TOLERANCE[parameterType(spec.dtype)]
  const random = new Random(seed)
  const layer = layerOf(spec)
  checkDiagrams(spec, layer)
  unpackParameters(spec, layer.parameters, 'parameters')
  const parameters = randomParameters(spec, random)
  layer.load(parameters.tensors)
  const x = pack(spec, spec.input, randomValues(spec, spec.input, random))
  const g = pack(spec, spec.output, randomValues(spec, spec.output, random))
  const sync = spec.call === 'sync'

  // What a result usually measures, for those that happen to cancel.
  const squared = { ...spec, squared: true }
  const [x2, g2] = [dense.squareValues(x.exact), dense.squareValues(g.exact)]
  const w2 = dense.squareParameters(parameters.exact)

  const y = sync ? layer.forwardSync(x.tensors) : await layer.forward(x.tensors)
  const wantedY = dense.forward(spec, parameters.exact, x.exact, spec.batch)
  expectRecordsClose(unpack(spec, spec.output, y, 'forward'), wantedY, tolerance, 'forward', () =>
    dense.typicalNorm(dense.forward(squared, w2, x2, spec.batch)),
  )

  const dx = sync ? layer.inputGradientSync(g.tensors) : await layer.inputGradient(g.tensors)
  const wantedDx = dense.inputGradient(spec, parameters.exact, g.exact, spec.batch)
  expectRecordsClose(unpack(spec, spec.input, dx, 'inputGradient'), wantedDx, tolerance, 'inputGradient', () =>
    dense.typicalNorm(dense.inputGradient(squared, w2, g2, spec.batch)),
  )

  const dw = sync ? layer.weightGradientSync(x.tensors, g.tensors) : await layer.weightGradient(x.tensors, g.tensors)
  const wantedDw = dense.weightGradient(spec, x.exact, g.exact, spec.batch)
  expectRecordsClose(unpackParameters(spec, dw, 'weightGradient'), wantedDw, tolerance, 'weightGradient', () =>
    dense.typicalNorm(dense.weightGradient(squared, x2, g2, spec.batch)),
  )

  // Both once more, from the program that computes them together.
  const both = sync
    ? layer.vjpSync(x.tensors).pullback(g.tensors)
    : await (await layer.vjp(x.tensors)).pullback(g.tensors)
  expectRecordsClose(unpack(spec, spec.input, both.x, 'gradients'), wantedDx, tolerance, 'gradients by x', () =>
    dense.typicalNorm(dense.inputGradient(squared, w2, g2, spec.batch)),
  )
  const parts = unpackParameters(spec, both.parameters, 'gradients')
  expectRecordsClose(parts, wantedDw, tolerance, 'gradients by parameters', () =>
    dense.typicalNorm(dense.weightGradient(squared, x2, g2, spec.batch)),
  )
}

/** Runs the cases and reports every one that fails, the smallest first, each as a line that can be pasted back. */
export async function checkAll(specs: readonly Case[], seed: number): Promise<void> {
  if (specs.length === 0) throw new Error('expected cases, received none')
  const failures: { size: number; text: string }[] = []
  for (const [i, spec] of specs.entries()) {
    try {
      await checkCase(spec, seed + i)
    } catch (error) {
      const size = [spec.input, spec.output].reduce(
        (sum, space) => sum + orders(space).reduce((s, o) => s + sizeOf(spec.n, space, o), 0),
        0,
      )
      failures.push({
        size: size * spec.batch,
        text: `${(error as Error).message}\n    ${JSON.stringify(spec)} seed ${seed + i}`,
      })
    }
  }
  if (failures.length === 0) return
  failures.sort((a, b) => a.size - b.size)
  throw new Error(
    `${failures.length} of ${specs.length} cases fail:\n  ${failures.map(({ text }) => text).join('\n  ')}`,
  )
}
