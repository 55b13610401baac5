import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  groupFrom, linear, loadModel, readSafetensors, saveModel, tensor, writeSafetensors,
  type Linear, type LinearOptions, type Space, type Tensor,
} from '../../lib/index.js' // prettier-ignore
import { expectClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'

const root = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'brauer-python-'))
afterAll(() => rmSync(folder, { recursive: true }))

const found = spawnSync('python3', ['-c', 'import torch']).status === 0
const withTorch = found ? test : test.skip
const titled = (title: string): string => (found ? title : `${title}: not tried, python3 has no torch`)

const exact = { dtype: 'float64' } as const
const mean = { normalize: 'mean' } as const
const spanning = { basis: 'spanning' } as const
const first = { layout: 'channels-first' } as const
const bias = { bias: true } as const
const cases: readonly (readonly [group: string, input: Space, output: Space, options: LinearOptions])[] = [
  ['S(4)', { 2: 2 }, { 2: 3 }, { ...exact, ...bias }],
  ['S(3)', { 0: 2, 1: 1, 3: 2 }, { 0: 1, 2: 2 }, { ...exact, ...bias, ...mean, ...spanning, ...first }],
  ['S(2)', { 2: 2 }, { 3: 1 }, { ...exact, ...spanning }],
  ['O(3)', { 0: 2, 1: 3, 2: 2 }, { 0: 3, 1: 1, 2: 2 }, { ...exact, ...bias, ...mean }],
  ['O(2)', { 4: 2 }, { 2: 1 }, { ...exact, ...spanning, ...first, ...mean }],
  ['SO(3)', { 0: 1, 1: 2, 2: 3 }, { 0: 3, 1: 2, 2: 1 }, { ...exact, ...bias, ...mean }],
  ['SO(3)', { 2: 2 }, { 3: 3 }, { ...exact, ...first, ...spanning }],
  ['SO(2)', { 1: 2, 2: 1 }, { 0: 1, 2: 2 }, exact],
  ['Sp(4)', { 1: 1, 3: 2 }, { 1: 2, 3: 1 }, { ...exact, ...bias }],
  ['Sp(2)', { 0: 1, 2: 2 }, { 2: 2, 4: 1 }, { ...exact, ...first, ...bias, ...mean, ...spanning }],
  ['O(3)', { 1: 2 }, { 1: 1, 2: 3 }, {}],
  ['S(5)', { 1: 3, 2: 2 }, { 1: 2 }, { dtype: 'float16', ...bias }],
  ['S(5)', { 1: 3, 2: 2 }, { 1: 2 }, { dtype: 'bfloat16', ...first }],
]
/** Relative; a 16-bit result may be rounded the other way. */
const tolerances = { float64: 1e-13, float32: 1e-6, float16: 1e-3, bfloat16: 8e-3 } as const

const at = (index: number, name: string): string => join(folder, String(index), `${name}.safetensors`)
const read = (index: number, name: string) => readSafetensors(readFileSync(at(index, name))).tensors

/** Normal values for an end of a layer, named by order. */
function values(layer: Linear, space: Space, random: Random): Record<string, Tensor> {
  const { dtype, layout } = layer.options
  const { n } = layer.group.kinds[0]!
  return Object.fromEntries(
    Object.entries(space).map(([order, channels]) => {
      const indices = new Array<number>(Number(order)).fill(n)
      const shape = layout === 'channels-first' ? [3, channels, ...indices] : [3, ...indices, channels]
      const size = shape.reduce((a, b) => a * b)
      return [order, tensor(Array.from(random.normals(size)), shape, dtype)]
    }),
  )
}

const layers: Linear[] = []

beforeAll(() => {
  cases.forEach(([group, input, output, options], index) => {
    mkdirSync(join(folder, String(index)))
    const layer: Linear = linear(groupFrom(group), input, output, options)
    const random = new Random(index)
    // Biases start as zeros, which would prove nothing.
    layer.load(
      Object.fromEntries(
        Object.entries(layer.parameters).map(([name, { shape, size, dtype }]) => {
          return [name, tensor(Array.from(random.normals(size)), shape, dtype)]
        }),
      ),
    )
    layers.push(layer)
    writeFileSync(at(index, 'model'), saveModel(layer))
    writeFileSync(at(index, 'x'), writeSafetensors(values(layer, input, random)))
    writeFileSync(at(index, 'g'), writeSafetensors(values(layer, output, random)))
  })
  const good = saveModel(layers[0]!)
  const { tensors, metadata } = readSafetensors(good)
  const changed = (brauer: string): Uint8Array => writeSafetensors(tensors, { brauer })
  const broken = {
    format: changed(metadata['brauer']!.replace('"format":1', '"format":2')),
    group: changed(metadata['brauer']!.replace('"group":"S"', '"group":"S×O"')),
    shape: writeSafetensors({ ...tensors, 'weight.2.2': tensor([1], [1]) }, metadata),
    metadata: writeSafetensors(tensors),
    dtype: Buffer.from(Buffer.from(good).toString('latin1').replace('"F64"', '"I64"'), 'latin1'),
  }
  for (const [name, bytes] of Object.entries(broken)) writeFileSync(join(folder, `${name}.safetensors`), bytes)
  if (!found) return
  const folders = cases.map((_, index) => join(folder, String(index)))
  const env = { ...process.env, PYTHONPATH: join(root, 'scripts'), PYTHONDONTWRITEBYTECODE: '1' }
  const script = join(root, 'test', 'python', 'drive.py')
  const { stderr, status } = spawnSync('python3', [script, folder, ...folders], { env, encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
}, 120_000)

describe.each(cases.map(([group, input, output, options], index) => ({ group, input, output, options, index })))(
  '$group $input -> $output $options',
  ({ options, index }) => {
    const tolerance = tolerances[options.dtype ?? 'float32']
    const compare = (
      received: Readonly<Record<string, Tensor>>,
      wanted: Readonly<Record<string, Tensor>>,
      label: string,
    ): void => {
      expect(Object.keys(received).sort()).toEqual(Object.keys(wanted).sort())
      for (const [name, { shape, dtype }] of Object.entries(wanted)) {
        expect([received[name]!.shape, received[name]!.dtype]).toEqual([shape, dtype])
        expectClose(received[name]!.toNumbers(), wanted[name]!.toNumbers(), tolerance, `${label} ${name}`)
      }
    }

    withTorch(titled('a model of brauer gives the same in Python'), () => {
      compare(read(index, 'y'), layers[index]!.forwardSync(read(index, 'x')), 'y')
    })

    withTorch(titled('both gradients are those of autograd'), () => {
      const [layer, x, g] = [layers[index]!, read(index, 'x'), read(index, 'g')]
      const wanted = { ...layer.inputGradientSync(g), ...layer.weightGradientSync(x, g) }
      compare(read(index, 'gradients'), wanted, 'gradient')
    })

    withTorch(titled('a model written in Python gives the same here'), () => {
      const layer = loadModel(readFileSync(at(index, 'new')))
      compare(layer.parameters, read(index, 'new'), 'parameter')
      compare(layer.forwardSync(read(index, 'x')), read(index, 'new-y'), 'y')
    })

    withTorch(titled('a model is written in the bytes that it was read from'), () => {
      expect(readFileSync(at(index, 'again')).equals(readFileSync(at(index, 'model')))).toBe(true)
    })
  },
)

withTorch(titled('the command takes and leaves files as brauer run does'), () => {
  const args = [join(root, 'scripts', 'reference_layer.py'), at(0, 'model'), at(0, 'x'), at(0, 'command')]
  const { stderr, status } = spawnSync('python3', args, { encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  expect(read(0, 'command')).toEqual(read(0, 'y'))
})

withTorch(titled('what it cannot read it names'), () => {
  const errors = JSON.parse(readFileSync(join(folder, 'errors.json'), 'utf8')) as Record<string, string>
  expect(errors).toEqual({
    format: 'format: expected 1, received 2',
    group: "group: expected one of S, O, SO, Sp, received 'S×O'",
    shape: expect.stringContaining('size mismatch for weight.2.2'),
    metadata: expect.stringContaining("expected a metadata entry 'brauer', received []"),
    dtype: expect.stringContaining('expected a dtype out of F64, F32, F16, BF16, received I64'),
  })
})
