import { describe, expect, test } from '@jest/globals'
import { linear, S, tensor } from '../../lib/index.js'
import { backends, compiled, inTurn, on } from '../support/backends.js'
import { expectRecordsClose, relativeError } from '../support/compare.js'
import type { GroupName } from '../support/dense.js'
import { Random } from '../support/group-elements.js'
import {
  decodeAll,
  decodeHalf,
  encodeAll,
  encodeHalf,
  leastRoundoff,
  unitRoundoff,
  type HalfType,
} from '../support/half.js'
import * as dense from '../support/layer.js'
import { orders, type Record64, type Space } from '../support/layer.js'
import { pairwise } from '../support/pairwise.js'
import {
  layerOf,
  pack,
  randomParameters,
  randomValues,
  TOLERANCE,
  unpack,
  unpackParameters,
  type Case,
} from './cases.js'

const halfTypes: readonly HalfType[] = ['float16', 'bfloat16']

describe.each(halfTypes)('%s as the tests convert it', (type) => {
  test('every bit pattern survives', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = decodeHalf(bits, type)
      const back = encodeHalf(value, type)
      if (Number.isNaN(value) ? !Number.isNaN(decodeHalf(back, type)) : back !== bits) {
        throw new Error(`${type}: bits ${bits} came back as ${back}`)
      }
    }
    expect(decodeHalf(encodeHalf(1, type), type)).toBe(1)
  })

  test('rounds to nearest, ties to even', () => {
    const u = unitRoundoff(type)
    expect(decodeHalf(encodeHalf(1 + u, type), type)).toBe(1)
    expect(decodeHalf(encodeHalf(1 + u * 1.001, type), type)).toBe(1 + 2 * u)
    expect(decodeHalf(encodeHalf(1 + 3 * u, type), type)).toBe(1 + 4 * u)
    expect(decodeHalf(encodeHalf(-(2 - u), type), type)).toBe(-2)
    expect(encodeHalf(leastRoundoff(type), type)).toBe(0)
    expect(encodeHalf(leastRoundoff(type) * 1.01, type)).toBe(1)
    const least = type === 'float16' ? 65520 : 2 ** 128 * (1 - 2 ** -9)
    expect(decodeHalf(encodeHalf(least, type), type)).toBe(Infinity)
    expect(Number.isFinite(decodeHalf(encodeHalf(least * (1 - 2 ** -20), type), type))).toBe(true)
  })

  test('bfloat16 is the upper half of a float32, float16 has five bits of exponent', () => {
    const word = new DataView(new ArrayBuffer(4))
    word.setFloat32(0, 3.140625)
    expect(encodeHalf(3.140625, 'bfloat16')).toBe(word.getUint16(0))
    expect(encodeHalf(-1.5, 'float16')).toBe(0xbe00)
  })
})

const halfOptions = {
  dtype: halfTypes,
  threads: [1, 2],
  batch: [1, 5],
  layout: ['channels-last', 'channels-first'],
  normalize: ['sum', 'mean'],
  strategy: ['auto', 'dense', 'diagrams', 'shared', 'fourier'],
  bias: [false, true],
} as const

/** One rounding per stored value is allowed, and the float32 error of the sum behind it. */
function expectRounded(received: Record64, wanted: Record64, type: HalfType, label: string): void {
  const all = Object.values(wanted).flatMap((values) => [...values])
  const scale = Math.hypot(...all) / Math.sqrt(all.length)
  for (const [order, values] of Object.entries(wanted)) {
    values.forEach((value, i) => {
      const distance = Math.abs(((received[order] as Float64Array)[i] as number) - value)
      const allowed = unitRoundoff(type) * Math.abs(value) + leastRoundoff(type) + 1e-5 * scale
      if (!(distance <= allowed))
        throw new Error(`${label}: order ${order}, element ${i}: expected ${value} to ${allowed}, off by ${distance}`)
    })
  }
  expectRecordsClose(received, wanted, unitRoundoff(type), label)
}

describe('16-bit storage', () => {
  const layers: readonly (readonly [GroupName, number, Space, Space])[] = [
    ['S', 4, { 1: 3, 2: 2 }, { 0: 1, 2: 16 }],
    ['S', 3, { 2: 16 }, { 2: 16 }],
    ['O', 3, { 0: 3, 1: 1, 2: 8 }, { 0: 2, 1: 3, 2: 8 }],
    ['SO', 3, { 1: 2, 2: 3 }, { 1: 16, 2: 1 }],
    ['Sp', 4, { 1: 3, 2: 2 }, { 1: 1, 2: 3 }],
  ]
  test.each(layers)('%s(%i) %j -> %j', (group, n, input, output) => {
    const backend = inTurn(backends, n + orders(output).length)
    for (const [seed, { strategy, ...row }] of pairwise({ ...halfOptions, backend }, n).entries()) {
      const spec: Case = { group, n, input, output, basis: 'independent', call: 'sync', way: { strategy }, ...row }
      const label = JSON.stringify(spec)
      const random = new Random(seed)
      const layer = layerOf(spec)
      const parameters = randomParameters(spec, random)
      layer.load(parameters.tensors)
      const x = pack(spec, input, randomValues(spec, input, random))
      const g = pack(spec, output, randomValues(spec, output, random))
      const y = unpack(spec, output, layer.forwardSync(x.tensors), label)
      expectRounded(y, dense.forward(spec, parameters.exact, x.exact, spec.batch), row.dtype, `forward ${label}`)
      const dx = unpack(spec, input, layer.inputGradientSync(g.tensors), label)
      expectRounded(
        dx,
        dense.inputGradient(spec, parameters.exact, g.exact, spec.batch),
        row.dtype,
        `inputGradient ${label}`,
      )
      const dw = unpackParameters(spec, layer.weightGradientSync(x.tensors, g.tensors), label)
      expectRecordsClose(
        dw,
        dense.weightGradient(spec, x.exact, g.exact, spec.batch),
        TOLERANCE.float32,
        `weightGradient ${label}`,
      )
    }
  })

  test.each(backends)('sums over indices do not overflow float16 (%s)', (backend) => {
    const n = 16
    const layer = linear(
      S(n),
      { 2: 1 },
      { 0: 1 },
      { dtype: 'float16', normalize: 'mean', basis: 'spanning', ...on(backend) },
    )
    // The diagrams of 2 -> 0: the trace and the total. 256 values of 60000 add up far beyond the largest float16, 65504.
    const one = tensor(Float32Array.of(0, 1), [2, 1, 1])
    layer.load({ 'weight.2.0': one })
    const x = tensor(encodeAll(new Float64Array(n * n).fill(60000), 'float16'), [1, n, n, 1], 'float16')
    const y = layer.forwardSync({ 2: x })[0]
    expect([...decodeAll(y?.data as Uint16Array, 'float16')]).toEqual([60000])
  })

  test.each(backends)('sums in bfloat16 storage keep float32 digits (%s)', (backend) => {
    const n = 256
    const layer = linear(S(n), { 1: 1 }, { 0: 1 }, { dtype: 'bfloat16', ...on(backend) })
    layer.load({ 'weight.1.0': tensor(Float32Array.of(1), [1, 1, 1]) })
    const x = new Float64Array(n).fill(1)
    x[0] = 9
    // Ones added to 256 in bfloat16 would change nothing.
    const y = layer.forwardSync({ 1: tensor(encodeAll(x, 'bfloat16'), [1, n, 1], 'bfloat16') })[0]
    expect([...decodeAll(y?.data as Uint16Array, 'bfloat16')]).toEqual([264])
  })
})

describe('long sums in float32', () => {
  const n = 2048
  test.each(backends)('the total of S(2048) is right to 1e-6 (%s)', (backend) => {
    const layer = linear(S(n), { 1: 1 }, { 0: 1 }, on(backend))
    layer.load({ 'weight.1.0': tensor(Float32Array.of(1), [1, 1, 1]) })
    const random = new Random(3)
    const x = Float32Array.from({ length: n }, () => random.uniform())
    const total = x.reduce((sum, value) => sum + value, 0)
    expect(
      relativeError(layer.forwardSync({ 1: tensor(x, [1, n, 1]) })[0]?.data as Float32Array, [total]),
    ).toBeLessThan(1e-6)
  })

  test.each(inTurn(compiled, 0))('the total of a 2048 x 2048 matrix is right to 1e-6 (%s)', (backend) => {
    const layer = linear(S(n), { 2: 1 }, { 0: 1 }, on(backend))
    layer.load({ 'weight.2.0': tensor(Float32Array.of(0, 1), [2, 1, 1]) })
    const random = new Random(4)
    const x = Float32Array.from({ length: n * n }, () => random.uniform())
    let total = 0
    for (const value of x) total += value
    expect(
      relativeError(layer.forwardSync({ 2: tensor(x, [1, n, n, 1]) })[0]?.data as Float32Array, [total]),
    ).toBeLessThan(1e-6)
  })
})

describe('an item has the same bits whatever runs beside it', () => {
  const layers: readonly (readonly [GroupName, number, Space, Space])[] = [
    ['S', 5, { 1: 3, 2: 2 }, { 0: 1, 2: 5 }],
    ['S', 16, { 2: 1 }, { 2: 1 }],
    ['S', 4, { 3: 2 }, { 3: 1 }],
    ['O', 3, { 1: 16, 2: 7 }, { 0: 3, 2: 16 }],
    ['O', 3, { 2: 1 }, { 2: 1 }],
    ['SO', 3, { 1: 4, 2: 1 }, { 1: 1, 2: 3 }],
    ['Sp', 4, { 3: 1 }, { 1: 3, 3: 1 }],
  ]
  const bits = (values: ArrayLike<number>): number[] => [...new Uint32Array(Float32Array.from(values).buffer)]

  const subjects = layers.flatMap((layer, i) => inTurn(compiled, i).map((backend) => [backend, ...layer] as const))
  test.each(subjects)('on %s, %s(%i) %j -> %j', (backend, group, n, input, output) => {
    const batch = 37
    const shared = {
      dtype: 'float32',
      backend,
      basis: 'independent',
      normalize: 'sum',
      layout: 'channels-last',
      bias: true,
    } as const
    const spec: Case = {
      ...shared,
      group,
      n,
      input,
      output,
      threads: 1,
      batch,
      way: { strategy: 'auto' },
      call: 'sync',
    }
    const random = new Random(n)
    const parameters = drawLarge(spec, random)
    const [x, g] = [randomValues(spec, input, random), randomValues(spec, output, random)]
    const run = (threads: number, from: number, count: number): [Record64, Record64] => {
      const part: Case = { ...spec, threads, batch: count }
      const layer = layerOf(part)
      layer.load(parameters)
      const cut = (space: Space, values: Record64): Record64 =>
        Object.fromEntries(
          orders(space).map((order) => {
            const size = dense.sizeOf(n, space, order)
            return [order, (values[order] as Float64Array).slice(from * size, (from + count) * size)]
          }),
        )
      const y = layer.forwardSync(pack(part, input, cut(input, x)).tensors)
      const dx = layer.inputGradientSync(pack(part, output, cut(output, g)).tensors)
      return [unpack(part, output, y, 'forward'), unpack(part, input, dx, 'inputGradient')]
    }
    const whole = run(1, 0, batch)
    for (const [threads, from, count] of [
      [2, 0, batch],
      [1, 0, 1],
      [2, 36, 1],
      [1, 5, 2],
      [2, 16, 17],
    ] as const) {
      for (const [map, [record, wanted]] of run(threads, from, count)
        .map((values, i) => [values, whole[i] as Record64] as const)
        .entries()) {
        const space = map === 0 ? output : input
        for (const order of orders(space)) {
          const size = dense.sizeOf(n, space, order)
          const part = (wanted[order] as Float64Array).slice(from * size, (from + count) * size)
          expect([threads, from, count, order, bits(record[order] as Float64Array)]).toEqual([
            threads,
            from,
            count,
            order,
            bits(part),
          ])
        }
      }
    }
  })
})

/** Parameters without the dense matrices, which do not exist at every size used here: shapes from the layer itself. */
function drawLarge(spec: Case, random: Random) {
  return Object.fromEntries(
    Object.entries(layerOf(spec).parameters).map(([name, { shape, data }]) => {
      return [
        name,
        tensor(
          Float32Array.from({ length: data.length }, () => random.normal()),
          [...shape],
        ),
      ]
    }),
  )
}
