import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { loadModel, saveModel, tensor } from '../../lib/index.js'
import {
  checkDiagrams,
  layerOf,
  pack,
  randomParameters,
  randomValues,
  unpack,
  unpackParameters,
  type Case,
  type DType,
  type Tensor,
} from '../layers/cases.js'
import { on } from '../support/backends.js'
import { expectRecordsClose } from '../support/compare.js'
import { Random } from '../support/group-elements.js'
import * as dense from '../support/layer.js'
import { caseArbitrary, runs, seedArbitrary } from './arbitrary.js'

const dtypeArbitrary = fc.constantFrom<DType>('float64', 'float32', 'float16', 'bfloat16')

const bytes = (tensors: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [
      name,
      [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
    ]),
  )

describe('parameters and load', () => {
  test('what one layer gives, another takes: the same parameters and the same bits out', () => {
    fc.assert(
      fc.property(caseArbitrary(2), dtypeArbitrary, seedArbitrary, (drawn, dtype, seed) => {
        const spec: Case = { ...drawn, dtype }
        const random = new Random(seed)
        const [from, to] = [layerOf(spec), layerOf(spec)]
        from.load(randomParameters(spec, random).tensors)
        to.load(from.parameters)
        expect(bytes(to.parameters)).toEqual(bytes(from.parameters))
        const x = pack(spec, spec.input, randomValues(spec, spec.input, random)).tensors
        expect(bytes(to.forwardSync(x))).toEqual(bytes(from.forwardSync(x)))
      }),
      runs(60),
    )
  })

  test('parameters is a copy, and load copies', () => {
    fc.assert(
      fc.property(caseArbitrary(2), seedArbitrary, (spec, seed) => {
        const random = new Random(seed)
        const layer = layerOf(spec)
        const { tensors, exact } = randomParameters(spec, random)
        layer.load(tensors)
        for (const given of Object.values(tensors)) given.data.fill(7)
        for (const taken of Object.values(layer.parameters)) taken.data.fill(8)
        const wanted = Object.fromEntries(Object.entries(exact).map(([name, { data }]) => [name, data]))
        expectRecordsClose(unpackParameters(spec, layer.parameters, 'parameters'), wanted, 0, 'parameters')
        const x = pack(spec, spec.input, randomValues(spec, spec.input, random))
        const y = unpack(spec, spec.output, layer.forwardSync(x.tensors), 'forward')
        expectRecordsClose(y, dense.forward(spec, exact, x.exact, spec.batch), 1e-12, 'forward')
      }),
      runs(40),
    )
  })

  test('a load that fails changes nothing', () => {
    const withParameters = caseArbitrary(2, { bias: true }).filter(
      (spec) => Object.keys(dense.parameterShapes(spec)).length > 0,
    )
    const damages = ['missing', 'unknown', 'shape'] as const
    fc.assert(
      fc.property(withParameters, fc.constantFrom(...damages), seedArbitrary, (spec, damage, seed) => {
        const random = new Random(seed)
        const layer = layerOf(spec)
        layer.load(randomParameters(spec, random).tensors)
        const before = bytes(layer.parameters)
        const { tensors } = randomParameters(spec, random)
        const name = Object.keys(tensors).at(-1) as string
        const { shape, data } = tensors[name] as Tensor
        if (damage === 'missing') delete tensors[name]
        if (damage === 'unknown') tensors['weight.9.9'] = tensor(Float64Array.of(1), [1, 1, 1])
        if (damage === 'shape') tensors[name] = tensor(data, [...shape, 1])
        let code: unknown = 'no error'
        try {
          layer.load(tensors)
        } catch (error) {
          code = (error as { code?: unknown }).code
        }
        expect(code).toBe('invalid-parameters')
        expect(bytes(layer.parameters)).toEqual(before)
      }),
      runs(60),
    )
  })

  test('a call in flight finishes with the parameters it started with', async () => {
    await fc.assert(
      fc.asyncProperty(caseArbitrary(2), seedArbitrary, async (spec, seed) => {
        const random = new Random(seed)
        const layer = layerOf(spec)
        const [old, fresh] = [randomParameters(spec, random), randomParameters(spec, random)]
        const x = pack(spec, spec.input, randomValues(spec, spec.input, random))
        layer.load(old.tensors)
        const flying = layer.forward(x.tensors)
        layer.load(fresh.tensors)
        const after = layer.forward(x.tensors)
        for (const [result, parameters] of [
          [await flying, old],
          [await after, fresh],
        ] as const) {
          const y = unpack(spec, spec.output, result, 'forward')
          expectRecordsClose(y, dense.forward(spec, parameters.exact, x.exact, spec.batch), 1e-12, 'forward')
        }
      }),
      runs(60),
    )
  })
})

/** The parts of a safetensors file, by its definition: a little-endian length, a JSON header, the data. */
function parse(file: Uint8Array) {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<string, unknown>
  const { __metadata__: metadata, ...entries } = header
  const tensors = Object.entries(entries).map(([name, entry]) => {
    const {
      dtype,
      shape,
      data_offsets: offsets,
    } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] }
    return [
      name,
      { dtype, shape, bytes: [...file.subarray(8 + length + offsets[0], 8 + length + offsets[1])] },
    ] as const
  })
  return { metadata: metadata as Record<string, string>, tensors: Object.fromEntries(tensors) }
}

describe('model files', () => {
  const backendOf = ({ backend, threads, way }: Case) => ({ ...on(backend), threads, ...way })

  test('a layer comes back: its parameters, its diagrams and the same bits out', () => {
    fc.assert(
      fc.property(caseArbitrary(2), dtypeArbitrary, seedArbitrary, (drawn, dtype, seed) => {
        const spec: Case = { ...drawn, dtype }
        const random = new Random(seed)
        const layer = layerOf(spec)
        layer.load(randomParameters(spec, random).tensors)
        const file = saveModel(layer)
        const again = loadModel(file, backendOf(spec))
        expect(bytes(again.parameters)).toEqual(bytes(layer.parameters))
        checkDiagrams(spec, again)
        const x = pack(spec, spec.input, randomValues(spec, spec.input, random)).tensors
        expect(bytes(again.forwardSync(x))).toEqual(bytes(layer.forwardSync(x)))
        expect([...saveModel(again)]).toEqual([...file])
      }),
      runs(60),
    )
  })

  test('the file is safetensors: the parameters under their names, and the layer as metadata', () => {
    fc.assert(
      fc.property(caseArbitrary(2), seedArbitrary, (spec, seed) => {
        const layer = layerOf(spec)
        layer.load(randomParameters(spec, new Random(seed)).tensors)
        const { metadata, tensors } = parse(saveModel(layer))
        const shapes = dense.parameterShapes(spec)
        expect(Object.keys(tensors).sort()).toEqual(Object.keys(shapes).sort())
        const wanted = bytes(layer.parameters)
        for (const [name, { dtype, shape, bytes: stored }] of Object.entries(tensors)) {
          expect({ dtype, shape, stored }).toEqual({ dtype: 'F64', shape: shapes[name], stored: wanted[name] })
        }
        expect(JSON.parse(metadata['brauer'] as string)).toMatchObject({ format: 1 })
      }),
      runs(40),
    )
  })

  test('a file cut anywhere is refused', () => {
    const spec = fc.sample(caseArbitrary(2, { group: 'O', n: 3, input: { 2: 2 }, output: { 2: 1 }, bias: true }), {
      numRuns: 1,
      seed: 1,
    })[0] as Case
    const file = saveModel(layerOf(spec))
    for (let length = 0; length < file.length; length++) {
      let code: unknown = 'no error'
      try {
        loadModel(file.slice(0, length), backendOf(spec))
      } catch (error) {
        code = (error as { code?: unknown }).code
      }
      expect([length, code]).toEqual([length, 'invalid-file'])
    }
  })
})
