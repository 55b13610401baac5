import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { groupFrom, linear, type LinearOptions } from '../../dist/index.js'
import type { Data } from '../../dist/backends/backend.js'
import { reference } from '../../dist/backends/reference.js'
import { encode } from '../../dist/program/encode.js'
import type { Buffer, Program } from '../../dist/program/program.js'
import { compile, type Compiled } from '../../dist/runtime/compiled.js'
import type { Dtype } from '../../dist/tensor/dtype.js'
import { decoder, encoder } from '../../dist/tensor/half.js'
import { uniformAt } from '../../dist/tensor/random.js'
import { describeCase, suite, type Case } from '../cases.js'
import { einsumProgram } from '../contenders/steps/einsum.js'
import { sharedProgram } from '../contenders/steps/shared.js'
import type { Program as Steps } from '../contenders/steps/step.js'
import { minimalFlops } from '../minimal-flops.js'
import { makeProblem, type Problem } from '../problem.js'
import { vectorLayers, type VectorLayer } from './vectors.js'

/** Maps of a layer that the runner runs. */
const maps = ['forward', 'inputGradient', 'weightGradient'] as const
type MapName = (typeof maps)[number]
const dtypes: readonly Dtype[] = ['float32', 'float64', 'float16', 'bfloat16']
/** Of the first operand of a vector: far from those of a case (bench/gpu/operands.h). */
const firstSeed = 1000

/** Writes all that bench/gpu/*.cpp and torch_suite.py read: programs, packed weights and conformance vectors. Everything is
 *  made by the reference backend, so that it is the same on every machine. */
export function writeData(folder: string, cases: readonly Case[] = suite): void {
  for (const name of ['programs', 'weights', 'python']) mkdirSync(join(folder, name), { recursive: true })
  const lines = cases.flatMap((each) => writeCase(folder, each))
  writeFileSync(join(folder, 'suite.txt'), lines.join('\n') + '\n')
  writeVectors(folder, vectorLayers)
}

function writeCase(folder: string, given: Case): string[] {
  // Parameters and the steps of the contenders do not depend on the batch; the plan does.
  const problem = makeProblem({ ...given, batch: 1 }, 1)
  const { group, input, output, bias, layout, gpuBatch } = given
  const compiled = compileLayer(given, { bias, layout, expectedBatch: gpuBatch })
  writePrograms(folder, given.name, compiled)
  const values = compiled.parameters.map(({ name }) => problem.parameters[name]!.data)
  const pack = compiled.program('pack')
  const weights = new Float32Array(pack.buffers.find(({ role }) => role === 'output')!.size)
  reference.load(pack, 'float32', 1).runSync(1, [...values, weights])
  writeNumbers(join(folder, 'weights', `${given.name}.bin`), weights)
  writeSteps(folder, given, problem)
  const { costs, strategy } = compiled.plan
  const least = minimalFlops(groupFrom(group), input, output, (strategy === 'dense' ? costs.dense : costs.plan).flops)
  return [
    `case ${given.name}`,
    `title ${describeCase(given)}`,
    `batch ${given.batch} ${gpuBatch}`,
    `least ${least.flops} ${least.kind}`,
    `inputs ${problem.inputs.map(({ order }) => order).join(' ')}`,
    `outputs ${problem.outputs.map(({ order }) => order).join(' ')}`,
  ]
}

/** What contenders in PyTorch run: their steps in JSON, and their constants back to back. */
function writeSteps(folder: string, given: Case, problem: Problem): void {
  const forms = { shared: sharedProgram(problem), einsum: einsumProgram(problem) }
  for (const [form, { channelsFirst, steps, constants }] of Object.entries(forms) as [string, Steps][]) {
    const arrays = Object.entries(constants)
    const shapes = arrays.map(([name, { shape }]) => [name, shape])
    const operands = { inputs: problem.inputs, outputs: problem.outputs }
    const file = join(folder, 'python', `${given.name}.${form}`)
    writeFileSync(`${file}.json`, JSON.stringify({ program: { channelsFirst, steps }, constants: shapes, ...operands }))
    writeNumbers(`${file}.bin`, Float32Array.from(arrays.flatMap(([, { data }]) => Array.from(data))))
  }
}

function writeVectors(folder: string, layers: readonly VectorLayer[]): void {
  const lines: string[] = []
  const expected = { narrow: [] as number[], wide: [] as number[] }
  let seed = firstSeed
  for (const layer of layers) {
    const compiled = compileLayer(layer, layer.options ?? {})
    writePrograms(folder, layer.name, compiled)
    for (const map of maps) {
      for (const dtype of dtypes) {
        const outputs = expectedOutputs(compiled.program(map), dtype, layer.batch, seed)
        lines.push(`${layer.name} ${map} ${dtype} ${layer.batch} ${seed} ${outputs.length}`)
        const to = dtype === 'float64' ? expected.wide : expected.narrow
        for (const value of outputs) to.push(value)
        seed += 100
      }
    }
  }
  writeFileSync(join(folder, 'vectors.txt'), lines.join('\n') + '\n')
  writeNumbers(join(folder, 'expected.f32.bin'), Float32Array.from(expected.narrow))
  writeNumbers(join(folder, 'expected.f64.bin'), Float64Array.from(expected.wide))
}

/** The outputs of a program in float64, one after the other, on generated inputs as a dtype stores them. */
export function expectedOutputs(program: Program, dtype: Dtype, batch: number, seed: number): number[] {
  const order = (role: Buffer['role']): Buffer[] => program.buffers.filter((buffer) => buffer.role === role)
  const count = ({ scope, size }: Buffer): number => (scope === 'shared' ? size : batch * size)
  const inputs = order('input').map((buffer, at) => {
    const data = new Float64Array(count(buffer))
    for (let i = 0; i < data.length; i++) data[i] = stored(inputAt(seed + at, i), buffer, dtype)
    return data
  })
  const outputs = order('output').map((buffer) => new Float64Array(count(buffer)))
  reference.load(program, 'float64', batch).runSync(batch, [...inputs, ...outputs] as Data[])
  return outputs.flatMap((data) => Array.from(data))
}

/** What inputs are filled with: bench/gpu/generator.h has the same. */
export function inputAt(seed: number, index: number): number {
  return 2 * uniformAt(seed, index) - 0.75
}

/** The value that a buffer of a run holds; shared ones hold the type computed in. */
function stored(value: number, { scope }: Buffer, dtype: Dtype): number {
  if (dtype === 'float64') return value
  const single = Math.fround(value)
  return scope === 'shared' || dtype === 'float32' ? single : decoder(dtype)(encoder(dtype)(single))
}

function compileLayer(
  { group, input, output }: Pick<Case, 'group' | 'input' | 'output'>,
  options: LinearOptions,
): Compiled {
  return compile(linear(groupFrom(group), input, output, { ...options, backend: 'reference' }).specification)
}

function writePrograms(folder: string, name: string, compiled: Compiled): void {
  for (const map of maps)
    writeNumbers(join(folder, 'programs', `${name}.${map satisfies MapName}.bin`), encode(compiled.program(map)))
}

function writeNumbers(path: string, { buffer, byteOffset, byteLength }: Float32Array | Float64Array): void {
  writeFileSync(path, new Uint8Array(buffer, byteOffset, byteLength))
}
