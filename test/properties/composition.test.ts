import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { layerOf, pack, randomParameters, randomValues, unpack, type Case, type Tensor } from '../layers/cases.js'
import { tensor } from '../../lib/index.js'
import { expectRecordsClose } from '../support/compare.js'
import { basisOf, spanning } from '../support/dense.js'
import { compose } from '../support/formulas.js'
import { Random } from '../support/group-elements.js'
import * as dense from '../support/layer.js'
import { orders, sizeOf, type Record64, type Space } from '../support/layer.js'
import { caseArbitrary, runs, seedArbitrary, spaceArbitrary } from './arbitrary.js'

type Exact = Record<string, { shape: number[]; data: Float64Array }>

/** The dense matrix [size of output, size of input] of a layer without bias, from the definition alone: Σ D ⊗ Wᵀ. */
function denseMatrix(spec: Case, parameters: Exact): Float64Array[] {
  const width = orders(spec.input).reduce((sum, k) => sum + sizeOf(spec.n, spec.input, k), 0)
  const rows: Float64Array[] = []
  for (const l of orders(spec.output)) {
    const outer = spec.output[l] as number
    const block = Array.from({ length: sizeOf(spec.n, spec.output, l) }, () => new Float64Array(width))
    let offset = 0
    for (const k of orders(spec.input)) {
      const channels = spec.input[k] as number
      for (const [row, { matrix }] of basisOf(spec.group, spec.n, k, l, spec.basis).entries()) {
        const weight = (parameters[`weight.${k}.${l}`] as Exact[string]).data.subarray(row * channels * outer)
        matrix.forEach((value, at) => {
          if (value === 0) return
          const [i, j] = [Math.floor(at / spec.n ** k), at % spec.n ** k]
          for (let c = 0; c < channels; c++) {
            for (let o = 0; o < outer; o++) {
              const target = block[i * outer + o] as Float64Array
              const column = offset + j * channels + c
              target[column] = (target[column] as number) + value * (weight[c * outer + o] as number)
            }
          }
        })
      }
      offset += sizeOf(spec.n, spec.input, k)
    }
    rows.push(...block)
  }
  return rows
}

function multiply(a: Float64Array[], b: Float64Array[]): Float64Array[] {
  const width = b[0]?.length ?? 0
  return a.map((row) => {
    const out = new Float64Array(width)
    row.forEach((value, m) => {
      if (value !== 0) (b[m] as Float64Array).forEach((other, j) => (out[j] = (out[j] as number) + value * other))
    })
    return out
  })
}

/** All unit vectors of the input space as one batch, channels last. */
function unitBatch(n: number, space: Space): { batch: number; values: Record64 } {
  const batch = orders(space).reduce((sum, k) => sum + sizeOf(n, space, k), 0)
  let item = 0
  const values = Object.fromEntries(
    orders(space).map((k) => {
      const size = sizeOf(n, space, k)
      const data = new Float64Array(batch * size)
      for (let i = 0; i < size; i++) data[item++ * size + i] = 1
      return [k, data]
    }),
  )
  return { batch, values }
}

/** Two layers that follow each other: from the input of the first to the output of the second. */
const chainArbitrary = fc
  .tuple(
    caseArbitrary(2, { bias: false, normalize: 'sum', basis: 'spanning', layout: 'channels-last' }),
    spaceArbitrary(2),
    caseArbitrary(1),
  )
  .map(([first, output, { way, backend }]) => {
    const second: Case = { ...first, input: first.output, output, way, backend }
    return { first, second }
  })

test('one layer after another is the product of their dense matrices', () => {
  fc.assert(
    fc.property(chainArbitrary, seedArbitrary, ({ first, second }, seed) => {
      const random = new Random(seed)
      const units = unitBatch(first.n, first.input)
      const [lower, upper]: [Case, Case] = [
        { ...first, batch: units.batch },
        { ...second, batch: units.batch },
      ]
      const [f, h] = [layerOf(lower), layerOf(upper)]
      const [fp, hp] = [randomParameters(lower, random), randomParameters(upper, random)]
      f.load(fp.tensors)
      h.load(hp.tensors)
      const received = unpack(
        upper,
        upper.output,
        h.forwardSync(f.forwardSync(pack(lower, lower.input, units.values).tensors)),
        'h(f(x))',
      )
      const product = multiply(denseMatrix(upper, hp.exact), denseMatrix(lower, fp.exact))
      let row = 0
      const wanted = Object.fromEntries(
        orders(upper.output).map((l) => {
          const size = sizeOf(upper.n, upper.output, l)
          const columns = product.slice(row, (row += size))
          return [
            l,
            Float64Array.from(
              { length: units.batch * size },
              (_, at) => columns[at % size]?.[Math.floor(at / size)] as number,
            ),
          ]
        }),
      )
      expectRecordsClose(received, wanted, 1e-12, 'composition')
    }),
    runs(80),
  )
})

/** Weights of the layer that does both at once: for every pair of diagrams, the product of their channel matrices at the
 *  diagram they compose to. */
function composedParameters(lower: Case, upper: Case, fp: Exact, hp: Exact): Exact {
  const both: Case = { ...lower, output: upper.output }
  const sum = dense.drawParameters(both, () => 0)
  for (const k of orders(lower.input)) {
    for (const m of orders(lower.output)) {
      for (const l of orders(upper.output)) {
        const target = sum[`weight.${k}.${l}`]
        const results = spanning(lower.group, lower.n, k, l).map(({ key }) => key)
        const [inner, middle, outer] = [lower.input[k] as number, lower.output[m] as number, upper.output[l] as number]
        for (const [b, second] of spanning(lower.group, lower.n, m, l).entries()) {
          for (const [a, first] of spanning(lower.group, lower.n, k, m).entries()) {
            const { coefficient, diagram } = compose(lower.group, lower.n, second, first)
            const at = results.indexOf(diagram.key)
            expect(at).toBeGreaterThanOrEqual(0)
            for (let c = 0; c < inner; c++) {
              for (let o = 0; o < outer; o++) {
                for (let p = 0; p < middle; p++) {
                  const left = fp[`weight.${k}.${m}`]?.data[(a * inner + c) * middle + p] as number
                  const right = hp[`weight.${m}.${l}`]?.data[(b * middle + p) * outer + o] as number
                  const slot = (at * inner + c) * outer + o
                  const data = (target as Exact[string]).data
                  data[slot] = (data[slot] as number) + coefficient * left * right
                }
              }
            }
          }
        }
      }
    }
  }
  return sum
}

test('one layer after another is one layer with the composed diagrams (S, O, Sp)', () => {
  const chain = chainArbitrary.filter(({ first }) => first.group !== 'SO')
  fc.assert(
    fc.property(chain, seedArbitrary, ({ first, second }, seed) => {
      const random = new Random(seed)
      const [f, h, both] = [layerOf(first), layerOf(second), layerOf({ ...first, output: second.output })]
      const [fp, hp] = [randomParameters(first, random), randomParameters(second, random)]
      f.load(fp.tensors)
      h.load(hp.tensors)
      const composed = composedParameters(first, second, fp.exact, hp.exact)
      const tensors: Record<string, Tensor> = {}
      for (const [name, { data, shape }] of Object.entries(composed)) tensors[name] = tensor(data, shape)
      both.load(tensors)
      const x = pack(first, first.input, randomValues(first, first.input, random))
      const target: Case = { ...second, batch: first.batch }
      const wanted = unpack(target, second.output, h.forwardSync(f.forwardSync(x.tensors)), 'h(f(x))')
      const received = unpack(target, second.output, both.forwardSync(x.tensors), 'composed layer')
      expectRecordsClose(received, wanted, 1e-11, 'composition')
    }),
    runs(80),
  )
})
