/** Model files that lie: whatever is changed in the header, a load gives a layer or an error of the package. */
import { describe, expect, test } from '@jest/globals'
import { linear, loadModel, readSafetensors, S, saveModel, tensor, writeSafetensors } from '../../lib/index.js'
import { uniform } from '../../lib/tensor/random.js'
import { inProcess } from './child.js'
import { judge, refuses, type Refusal } from './refuses.js'

const any = (value: unknown): never => value as never
const layer = linear(S(3), { 1: 1 }, { 0: 1, 1: 2 }, { bias: true, backend: 'reference' })
const model = saveModel(any(layer))
const { tensors, metadata } = readSafetensors(model)
const header = 8 + Number(new DataView(model.buffer).getBigUint64(0, true))
const load = (bytes: unknown, options: unknown = { backend: 'reference' }): unknown =>
  loadModel(any(bytes), any(options))

/** A file with another specification, changed as plain data. */
function changed(change: (stored: Record<string, unknown>) => unknown, values = tensors): Uint8Array {
  const stored = JSON.parse(metadata['brauer'] as string) as Record<string, unknown>
  const result = change(stored)
  return writeSafetensors(values, { brauer: JSON.stringify(result ?? stored) })
}

test('the file as it was written loads', () => {
  expect(saveModel(any(load(model)))).toEqual(model)
})

/** Loads; anything but a layer or an error of the package is a failure, named by the change that brought it about. */
function survives(bytes: Uint8Array, name: string, failures: string[]): boolean {
  try {
    load(bytes)
    return true
  } catch (error) {
    try {
      judge(error, { code: 'invalid-file' })
    } catch (failure) {
      failures.push(`${name}: ${(failure as Error).message}`)
    }
    return false
  }
}

test('cut off after any byte, it is refused', () => {
  const failures: string[] = []
  for (let length = 0; length < model.length; length++) {
    if (survives(model.slice(0, length), `length ${length}`, failures)) failures.push(`length ${length} was accepted`)
  }
  expect(failures).toEqual([])
})

describe('one byte changed anywhere in the header', () => {
  test.each([
    ['to 0', () => 0],
    ['to 255', () => 255],
    ['to a digit', (byte: number) => (byte === 0x39 ? 0x38 : 0x39)],
    ['to a quote', () => 0x22],
    ['to a brace', () => 0x7d],
    ['to a blank', () => 0x20],
    ['by its lowest bit', (byte: number) => byte ^ 1],
    ['by its highest bit', (byte: number) => byte ^ 128],
  ])('%s', (_, change) => {
    const failures: string[] = []
    let refused = 0
    for (let at = 0; at < header; at++) {
      const bytes = model.slice()
      bytes[at] = change(bytes[at] as number)
      if (!survives(bytes, `byte ${at}`, failures)) refused++
    }
    expect(failures).toEqual([])
    expect(refused).toBeGreaterThan(0)
  })

  test('to anything, thrice', () => {
    const draw = uniform(11)
    const failures: string[] = []
    for (let i = 0; i < 2000; i++) {
      const bytes = model.slice()
      for (let j = 0; j < 3; j++) bytes[Math.floor(draw() * header)] = Math.floor(draw() * 256)
      survives(bytes, `${i}`, failures)
    }
    expect(failures).toEqual([])
  })
})

describe('a specification that lies', () => {
  const at = 'model file'
  const file = (change: (stored: Record<string, unknown>) => unknown) => () => load(changed(change))
  const set = (name: string, value: unknown) => file((stored) => ({ ...stored, [name]: value }))
  const spaces = (input: unknown, output: unknown) => set('spaces', { input, output })
  type Row = readonly [
    name: string,
    call: () => unknown,
    where: string,
    expected: string | RegExp,
    received: string | RegExp,
  ]
  const rows: Row[] = [
    ['format 0', set('format', 0), 'format', '1', '0'],
    ['format 2', set('format', 2), 'format', '1', '2'],
    ['format "1"', set('format', '1'), 'format', '1', '"1"'],
    ['no format', set('format', undefined), 'format', '1', 'undefined'],
    ['an array', file(() => [1]), 'metadata', 'an object', '[1]'],
    ['null', () => load(writeSafetensors(tensors, { brauer: 'null' })), 'metadata', 'an object', 'null'],
    ['no JSON', () => load(writeSafetensors(tensors, { brauer: '{' })), 'metadata', 'JSON', /./],
    ['no entry', () => load(writeSafetensors(tensors)), 'metadata', '"brauer"', 'without one'],
    ['group null', set('group', null), 'group', 'a name', 'null'],
    ['group U', set('group', 'U'), at, /./, 'U(3)'],
    ['group S(3)', set('group', 'S(3)'), at, /./, /./],
    ['two factors, one n', set('group', 'S×S'), at, /./, '2 sizes'],
    ['n 0', set('n', 0), at, /./, 'S(n)'],
    ['n 2.5', set('n', 2.5), at, /./, '2.5'],
    ['n -1', set('n', -1), at, /./, '-1'],
    ['n 1e300', set('n', 1e300), at, /./, '1e+300'],
    ['n 2^52, order 2', file((stored) => ({ ...stored, n: 2 ** 52, spaces: { input: { 2: 1 }, output: { 0: 1 } } })), at, /./, /2\^53/],
    ['n "3"', set('n', '3'), 'n', 'a number', '"3"'],
    ['n [3, 3]', set('n', [3, 3]), at, /./, '1 sizes'],
    ['spaces null', set('spaces', null), 'spaces', 'an object', 'null'],
    ['no output', set('spaces', { input: { 1: 1 } }), 'spaces.output', 'an object', 'undefined'],
    ['order -1', spaces({ '-1': 1 }, { 0: 1 }), at, /./, '"-1"'],
    ['0 channels', spaces({ 1: 0 }, { 0: 1 }), at, /./, 'order 1'],
    ['2^52 channels', spaces({ 0: 2 ** 52 }, { 0: 2 ** 52 }), at, /./, /2\^53|memory/],
    ['order 20', spaces({ 20: 1 }, { 20: 1 }), at, /./, /set partitions|20 -> 20/],
    ['an order more', spaces({ 1: 1, 2: 1 }, { 0: 1, 1: 2 }), /weight/.source, 'a tensor', 'none'],
    ['an order less', spaces({ 1: 1 }, { 0: 1 }), 'tensors', 'weight.1.0', /weight.1.1|bias.1/],
    ['options null', set('options', null), 'options', 'an object', 'null'],
    ['an option that a file has not', set('options', { bias: true, backend: 'cpu' }), 'options', 'bias', '"backend"'],
    ['bias 1', set('options', { bias: 1 }), at, /./, 'bias'],
    ['without bias', set('options', {}), 'tensors', 'weight.1.0', '"bias.'],
    ['diagrams missing', set('diagrams', {}), 'diagrams of', 'keys', '0'],
    ['diagrams null', set('diagrams', null), 'diagrams', 'an object', 'null'],
    ['diagrams of numbers', set('diagrams', { 'weight.1.1': [1, 2] }), 'diagrams of weight.1.1', 'a list of keys', '[1, 2]'],
    ['diagrams by length alone', set('diagrams', { 'weight.1.0': { length: 1 } }), 'diagrams of weight.1.0', 'a list', '{length}'],
  ] // prettier-ignore
  test.each(rows)('%s', (_, call, where, expected, received) => {
    refuses(call, { code: 'invalid-file', where, expected, received })
  })

  test('a key twice, a key of another diagram', () => {
    const diagrams = (JSON.parse(metadata['brauer'] as string) as { diagrams: Record<string, string[]> }).diagrams
    const own = diagrams['weight.1.1'] as string[]
    const refusal: Refusal = {
      code: 'invalid-file',
      where: 'diagrams of weight.1.1',
      expected: 'different keys',
      received: '1',
    }
    refuses(set('diagrams', { ...diagrams, 'weight.1.1': [own[0], own[0]] }), refusal)
    refuses(set('diagrams', { ...diagrams, 'weight.1.1': [own[0], '1|3'] }), {
      ...refusal,
      expected: own[1] as string,
      received: '1|3',
    })
  })

  // In processes of their own: such a file may hang its reader or take all memory.
  test.each([
    ['an order of 2^32−1', { spaces: { input: { 4294967295: 1 }, output: { 0: 1 } } }],
    ['an order of 1e15', { spaces: { input: { 999999999999999: 1 }, output: { 0: 1 } } }],
    ['an order of 1e8 of S(1)', { n: 1, spaces: { input: { 100000000: 1 }, output: { 0: 1 } } }],
    ['2^40 parameters', { n: 2, spaces: { input: { 0: 2 ** 20 }, output: { 0: 2 ** 20 } } }],
    ['a determinant of 11 indices', { group: 'SO', n: 11, spaces: { input: { 11: 1 }, output: { 0: 1 } } }],
    ['an option of ten million characters', { options: { ['b'.repeat(1e7)]: 1 } }],
  ])('%s', (_, part) => {
    const text = Buffer.from(changed((stored) => ({ ...stored, ...part }))).toString('base64')
    // A long text does not fit the command line; it is made again from its beginning.
    const body =
      text.length < 1e5
        ? `const bytes = Buffer.from('${text}', 'base64')`
        : `const bytes = brauer.writeSafetensors({}, { brauer: JSON.stringify({ format: 1, group: 'S', n: 3, spaces: { input: { 1: 1 }, output: { 1: 1 } }, options: { ['b'.repeat(1e7)]: 1 }, diagrams: {} }) })`
    const { error } = inProcess(`${body}; brauer.loadModel(bytes, { backend: 'reference' }); answer(1)`, {}, 10)
    expect(error).toMatchObject({ name: 'BrauerError', code: 'invalid-file' })
  })
})

describe('files of another order', () => {
  test('rows are found by their keys, entries by their names', () => {
    const diagrams = (JSON.parse(metadata['brauer'] as string) as { diagrams: Record<string, string[]> }).diagrams
    const backwards = Object.fromEntries(Object.entries(diagrams).reverse().map(([name, keys]) => [name, [...keys].reverse()])) // prettier-ignore
    const turned = Object.fromEntries(
      Object.entries(tensors).reverse().map(([name, value]) => {
        const cell = value.size / (value.shape[0] as number)
        const numbers = value.toNumbers()
        const rows = Array.from({ length: value.shape[0] as number }, (_, row) => numbers.slice(row * cell, (row + 1) * cell))
        return [name, tensor(rows.reverse().flat(), value.shape)]
      }),
    ) // prettier-ignore
    const bytes = changed(
      (stored) => Object.fromEntries(Object.entries({ ...stored, diagrams: backwards }).reverse()),
      turned,
    )
    expect(saveModel(any(load(bytes)))).toEqual(model)
  })
})

describe('arguments', () => {
  test.each<[string, unknown, unknown, Refusal]>([
    ['bytes null', null, undefined, { code: 'invalid-argument', where: 'safetensors', expected: 'a Uint8Array', received: 'null' }],
    ['bytes a path', 'model.safetensors', undefined, { code: 'invalid-argument', where: 'safetensors', expected: 'a Uint8Array', received: '"model.safetensors"' }],
    ['bytes an ArrayBuffer', new ArrayBuffer(8), undefined, { code: 'invalid-argument', where: 'safetensors', expected: 'a Uint8Array', received: 'ArrayBuffer' }],
    ['options null', model, null, { code: 'invalid-argument', where: 'loadModel: options', expected: 'an object', received: 'null' }],
    ['option seed', model, { seed: 1 }, { code: 'unknown-option', where: 'loadModel: options', expected: 'backend', received: '"seed"' }],
    ['option bias', model, { bias: true }, { code: 'unknown-option', where: 'loadModel: options', expected: 'backend', received: '"bias"' }],
    ['option bakcend', model, { bakcend: 'cpu' }, { code: 'unknown-option', where: 'loadModel: options', expected: 'backend', received: 'did you mean backend?' }],
    ['backend tpu', model, { backend: 'tpu' }, { code: 'invalid-argument', where: 'backend', expected: 'reference', received: '"tpu"' }],
  ])('%s', (_, bytes, options, refusal) => {
    refuses(() => loadModel(any(bytes), any(options)), refusal)
  }) // prettier-ignore

  test.each([null, undefined, 3, {}, { group: 1 }])('saveModel(%j)', (value) => {
    refuses(() => saveModel(any(value)), {
      code: 'invalid-argument',
      where: 'saveModel',
      expected: 'a layer',
      received: /./,
    })
  })
})
