/** Values made to surprise: proxies, getters, pollution, likenesses, symbols. What comes back is a result that is right, an error of
 *  the package, or the very error that the value itself threw. */
import { describe, expect, test } from '@jest/globals'
import { runInNewContext } from 'node:vm'
import { BrauerError, linear, O, product, S, Tensor, tensor } from '../../lib/index.js'
import { judge, refuses } from './refuses.js'

const any = (value: unknown): never => value as never
const like = (data: unknown, dims: unknown, type: unknown = 'float32') => ({ dims, type, data }) as never
const ones = (...shape: number[]): Tensor<'float32'> =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1), shape)
const own = new Error('thrown by the value')
const toss = (): never => {
  throw own
}
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
/** Every trap throws. */
const prickly = (): object =>
  new Proxy(
    {},
    Object.fromEntries(
      ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'set', 'deleteProperty'].map((trap) => [
        trap,
        toss,
      ]),
    ),
  )
class Nameless {
  static readonly name = Symbol('nameless') as never
}

/** Passes when the call gives a result, an error of the package in the common form, or the error that the value threw. */
function survives(call: () => unknown): void {
  try {
    call()
  } catch (error) {
    if (error !== own && !/proxy that has been revoked/.test(String(error))) judge(error, {})
  }
}

const values: [string, () => unknown][] = [
  ['a revoked proxy', revoked],
  ['a proxy whose traps throw', prickly],
  ['a proxy of a function', () => new Proxy(() => 1, {})],
  ['an object without a prototype', () => Object.create(null) as unknown],
  ['an object whose constructor is a symbol', () => ({ constructor: Symbol('c') })],
  ['an instance of a class whose name is a symbol', () => new Nameless()],
  ['an object whose constructor throws', () => Object.defineProperty({}, 'constructor', { get: toss })],
  ['a function whose name is a symbol', () => Object.defineProperty(() => 1, 'name', { value: Symbol('f') })],
  ['a typed array whose constructor is null', () => Object.defineProperty(new Float32Array(3), 'constructor', { value: null })],
  ['a typed array whose length is a symbol', () => Object.defineProperty(new Float32Array(3), 'length', { value: Symbol('l') })],
  ['the prototype of Float32Array', () => Float32Array.prototype],
  ['a likeness of a Float32Array', () => Object.create(Float32Array.prototype) as unknown],
  ['a likeness of a Tensor', () => Object.create(Tensor.prototype) as unknown],
  ['an object whose toString throws', () => ({ toString: toss, valueOf: toss, [Symbol.toPrimitive]: toss })],
  ['an array in itself', () => { const a: unknown[] = []; a.push(a); return a }],
  ['an array of symbols', () => [Symbol('a'), Symbol('b')]],
  ['an array whose items throw', () => Object.defineProperty([1], 0, { get: toss })],
  ['a long text', () => 'x'.repeat(1e6)],
  ['an object of long keys', () => Object.fromEntries([['k'.repeat(2e4), 1]])],
  ['a large bigint', () => 10n ** 5000n],
  ['a symbol', () => Symbol('s'.repeat(1e6))],
  ['a date', () => new Date(NaN)],
  ['a generator', () => (function* () { yield 1 })()],
  ['globalThis', () => globalThis],
] // prettier-ignore

const layer = linear(S(3), { 1: 1 }, { 1: 1 }, { backend: 'reference' })
const x = { 1: ones(1, 3, 1) }
const places: [string, (value: never) => unknown][] = [
  ['as a size', (value) => S(value)],
  ['as a factor', (value) => product(S(3), value)],
  ['as a group', (value) => linear(value, { 1: 1 }, { 1: 1 })],
  ['as a space', (value) => linear(O(3), value, { 1: 1 })],
  ['as channels', (value) => linear(O(3), { 1: value }, { 1: 1 })],
  ['as the options', (value) => linear(O(3), { 1: 1 }, { 1: 1 }, value)],
  ['as an option', (value) => linear(O(3), { 1: 1 }, { 1: 1 }, { dtype: value })],
  ['as a backend', (value) => linear(O(3), { 1: 1 }, { 1: 1 }, { backend: value })],
  ['as steps', (value) => linear(O(3), { 1: 1 }, { 1: 1 }, { steps: value })],
  ['as a step', (value) => linear(O(3), { 1: 1 }, { 1: 1 }, { steps: { share: value } })],
  ['as an input', (value) => layer.forwardSync(value)],
  ['as a tensor', (value) => layer.forwardSync({ 1: value })],
  ['as dims', (value) => layer.forwardSync({ 1: any(like(new Float32Array(3), value)) })],
  ['among dims', (value) => layer.forwardSync({ 1: any(like(new Float32Array(3), [1, value, 1])) })],
  ['as a type', (value) => layer.forwardSync({ 1: any(like(new Float32Array(3), [1, 3, 1], value)) })],
  ['as data', (value) => layer.forwardSync({ 1: like(value, [1, 3, 1]) })],
  ['as the options of a call', (value) => layer.forwardSync(x, value)],
  ['as a signal', (value) => layer.forwardSync(x, { signal: value })],
  ['as out', (value) => layer.forwardSync(x, { out: value })],
  ['as sizes', (value) => layer.forwardSync(x, { sizes: value })],
  ['among sizes', (value) => layer.forwardSync(x, { sizes: [value] })],
  ['as parameters', (value) => layer.load(value)],
  ['as a parameter', (value) => layer.load({ 'weight.1.1': value })],
  ['as n', (value) => layer.at(value)],
  ['as an order', (value) => layer.diagrams(value, 1)],
  ['as data of a tensor', (value) => tensor(value, [3])],
  ['among data of a tensor', (value) => tensor([1, value], [2])],
  ['as a shape', (value) => tensor([1], value)],
  ['in a shape', (value) => tensor([1], [value])],
  ['as a dtype', (value) => tensor([1], [1], value)],
]

test.each(values)('%s', (_, make) => {
  const failures = places.flatMap(([place, call]) => {
    try {
      survives(() => call(any(make())))
      return []
    } catch (error) {
      return [`${place}: ${(error as Error).message}`]
    }
  })
  expect(failures).toEqual([])
})

describe.each(['reference', 'cpu'])('%s', (backend) => {
  const layer = linear(O(3), { 1: 1 }, { 0: 1, 1: 1 }, { backend })
  const x = { 1: ones(2, 3, 1) }
  const wanted = layer.forwardSync(x)[1].toNumbers()

  test('plain objects and class instances as records and as tensors', () => {
    class Input {
      1 = new (class OrtTensor {
        dims = [2, 3, 1]
        type = 'float32'
        get data() {
          return new Float32Array(6).fill(1)
        }
      })()
    }
    expect(layer.forwardSync(new Input())[1].toNumbers()).toEqual(wanted)
    const frozen = Object.freeze({ 1: Object.freeze(like(new Float32Array(6).fill(1), Object.freeze([2, 3, 1]))) })
    expect(layer.forwardSync(any(frozen))[1].toNumbers()).toEqual(wanted)
    expect(layer.forwardSync(any(Object.assign(Object.create(null) as object, x)))[1].toNumbers()).toEqual(wanted)
    expect(layer.forwardSync(any(new Proxy(x, {})))[1].toNumbers()).toEqual(wanted)
  })

  test('arrays of another realm', () => {
    const foreign = runInNewContext('new Float32Array(6).fill(1)') as Float32Array
    expect(layer.forwardSync({ 1: like(foreign, [2, 3, 1]) })[1].toNumbers()).toEqual(wanted)
    expect(tensor(foreign, [6]).toNumbers()).toEqual([1, 1, 1, 1, 1, 1])
  })

  test('a getter that gives another value at every read gives a result or an error, and none out of bounds', () => {
    let reads = 0
    const shifty = {
      get dims() {
        return reads++ % 2 === 0 ? [2, 3, 1] : [1e6, 3, 1]
      },
      get type() {
        return reads++ % 2 === 0 ? 'float32' : 'float64'
      },
      get data() {
        return reads++ % 2 === 0 ? new Float32Array(6) : new Float64Array(1)
      },
    }
    for (let i = 0; i < 50; i++) survives(() => layer.forwardSync({ 1: any(shifty) }))
    for (let i = 0; i < 50; i++) {
      survives(() => layer.forwardSync(x, { out: { 0: ones(2, 1), 1: any(shifty) } }))
      reads++
    }
  })

  test('out is read once: what comes back is what was written', () => {
    const [first, second] = [ones(2, 3, 1), ones(2, 3, 1)]
    let reads = 0
    const out = {
      0: ones(2, 1),
      get 1() {
        return reads++ === 0 ? first : second
      },
    }
    const y = layer.forwardSync(x, { out })
    expect([y[1] === first, y[1].toNumbers()]).toEqual([true, wanted])
  })

  test('an array that lies about its length or its buffer is refused or read as it is', () => {
    const lying = Object.defineProperty(new Float32Array(3), 'length', { value: 6 })
    survives(() => layer.forwardSync({ 1: like(lying, [2, 3, 1]) }))
    const hidden = Object.defineProperty(new Float32Array(new SharedArrayBuffer(24)), 'buffer', {
      value: new ArrayBuffer(24),
    })
    survives(() => layer.forwardSync({ 1: like(hidden, [2, 3, 1]) }))
    survives(() => layer.forwardSync(x, { out: { 0: ones(2, 1), 1: like(lying, [2, 3, 1]) } }))
  })

  test('an error that a getter throws comes through as it is', async () => {
    const throwing = any({ get 1() { return toss() } }) // prettier-ignore
    expect(() => layer.forwardSync(throwing)).toThrow(own)
    await expect(layer.forward(throwing)).rejects.toBe(own)
  })
})

test('a space whose getters change is what it was when it was read', () => {
  let reads = 0
  const input = { get 1() { return ++reads } } // prettier-ignore
  const layer = linear(O(3), input as Record<1, number>, { 1: 1 }, { backend: 'reference' })
  expect(layer.parameters['weight.1.1']!.shape).toEqual([1, layer.input[1], 1])
})

test('options changed afterwards change nothing', () => {
  const options = { bias: true, steps: { fourier: false }, backend: 'reference' }
  const layer = linear(S(3), { 1: 1 }, { 1: 1 }, options)
  options.bias = false
  options.steps.fourier = true
  expect([layer.options.bias, layer.options.steps.fourier]).toEqual([true, false])
})

test('what a layer shows cannot be written to', () => {
  const layer = linear(S(3), { 1: 1 }, { 1: 1 }, { backend: 'reference' })
  for (const [name, value] of Object.entries({
    input: layer.input, output: layer.output, options: layer.options, steps: layer.options.steps, backend: layer.backend, group: layer.group, plan: layer.plan,
  })) expect([name, Object.isFrozen(value)]).toEqual([name, true]) // prettier-ignore
})

test('a polluted Object.prototype changes nothing that is asked for', () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>
  try {
    prototype['bias'] = true
    prototype['7'] = 3
    const layer = linear(O(3), { 1: 1 }, { 0: 1 }, { backend: 'reference' })
    expect(layer.options.bias).toBe(false)
    refuses(() => layer.forwardSync(any({ 1: ones(1, 3, 1), 7: 1 })), {
      code: 'invalid-order', where: 'forward', expected: '1', received: '"7"',
    }) // prettier-ignore
  } finally {
    delete prototype['bias']
    delete prototype['7']
  }
})

test('the scalars of a product may be asked for as 0', () => {
  const layer = linear(product(S(3), O(2)), { 0: 1 }, { 0: 1 }, { backend: 'reference' })
  layer.load({ [Object.keys(layer.parameters)[0]!]: ones(1, 1, 1) })
  expect(layer.forwardSync({ 0: ones(2, 1) })[0].toNumbers()).toEqual([1, 1])
})

test('errors are errors', () => {
  const error = new BrauerError('internal', 'here: expected one, received two', { cause: own })
  expect([error instanceof Error, error.name, error.code, error.cause]).toEqual([true, 'BrauerError', 'internal', own])
})
