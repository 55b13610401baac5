/** Layers that cannot be made: groups, spaces, options, sizes. What goes wrong in calls is in bad-calls.test.ts. */
import { describe, test } from '@jest/globals'
import { BrauerError, type ErrorCode, groupFrom, linear, O, product, S, SO, Sp } from '../../lib/index.js'
import { inProcess } from './child.js'
import { judge, refuses, refusesAsync, type Refusal } from './refuses.js'

type Row = readonly [name: string, call: () => unknown, ...rest: [Refusal['code'], ...(string | RegExp)[]]]

/** One test per row: code, where, expected, received. */
function table(rows: readonly Row[]): void {
  test.each(rows.map(([name, ...rest]) => [name, rest] as const))(
    '%s',
    (_, [call, code, where, expected, received]) => {
      refuses(call, { code, where: where as string, expected: expected as string, received: received as string })
    },
  )
}

/** Anything as anything: these tests pass what the types forbid. */
const any = (value: unknown): never => value as never

const make = (input: unknown, output: unknown, options?: unknown) => (): unknown =>
  linear(O(3), any(input), any(output), any(options))
const withOptions = (options: unknown): (() => unknown) => make({ 1: 1 }, { 1: 1 }, options)

describe('groups', () => {
  const least = 'an integer of at least 1'
  table([
    ['S(0)', () => S(0), 'invalid-group', 'S(n)', least, '0'],
    ['O(-3)', () => O(-3), 'invalid-group', 'O(n)', least, '-3'],
    ['SO(2.5)', () => SO(2.5), 'invalid-group', 'SO(n)', least, '2.5'],
    ['S(NaN)', () => S(NaN), 'invalid-group', 'S(n)', least, 'NaN'],
    ['O(Infinity)', () => O(Infinity), 'invalid-group', 'O(n)', least, 'Infinity'],
    ['S(-Infinity)', () => S(-Infinity), 'invalid-group', 'S(n)', least, '-Infinity'],
    ['S(2^53)', () => S(2 ** 53), 'invalid-group', 'S(n)', least, '9007199254740992'],
    ['S("3")', () => S(any('3')), 'invalid-group', 'S(n)', least, '"3"'],
    ['S(3n)', () => S(any(3n)), 'invalid-group', 'S(n)', least, '3n'],
    ['S()', () => S(any(undefined)), 'invalid-group', 'S(n)', least, 'undefined'],
    ['O(null)', () => O(any(null)), 'invalid-group', 'O(n)', least, 'null'],
    ['O([3])', () => O(any([3])), 'invalid-group', 'O(n)', least, '[3]'],
    ['O(symbol)', () => O(any(Symbol('three'))), 'invalid-group', 'O(n)', least, 'Symbol(three)'],
    ['Sp(3)', () => Sp(3), 'invalid-group', 'Sp(n)', 'even', '3'],
    ['Sp(1)', () => Sp(1), 'invalid-group', 'Sp(n)', 'even', '1'],
    ['Sp(0)', () => Sp(0), 'invalid-group', 'Sp(n)', /at least/, '0'],
    ['groupFrom U(3)', () => groupFrom('U(3)'), 'invalid-group', 'group', 'S(n), O(n), SO(n) or Sp(n)', '"U(3)"'],
    ['groupFrom O(0)', () => groupFrom('O(0)'), 'invalid-group', 'O(n)', least, '0'],
    ['groupFrom Sp(5)', () => groupFrom('Sp(5)'), 'invalid-group', 'Sp(n)', 'even', '5'],
    ['groupFrom nothing', () => groupFrom(''), 'invalid-group', 'group', 'S(n)', '""'],
    ['groupFrom 3', () => groupFrom(any(3)), 'invalid-group', 'group', "'O(3)'", '3'],
    ['groupFrom a long text', () => groupFrom('O'.repeat(1e6)), 'invalid-group', 'group', 'S(n)', /\.\.\."$/],
    ['groupFrom many factors', () => groupFrom('S(2)' + '×S(2)'.repeat(26)), 'invalid-group', 'product', '26', '27'],
    ['product of one', () => product(...(any([S(3)]) as [never, never])), 'invalid-group', 'product', 'two', 'fewer'],
    ['product with null', () => product(S(3), any(null)), 'invalid-group', 'product', 'groups', 'null'],
    ['product with undefined', () => product(S(3), any(undefined)), 'invalid-group', 'product', 'groups', 'undefined'],
    ['product with a text', () => product(S(3), any('O(3)')), 'invalid-group', 'product', 'groups', '"O(3)"'],
  ])
})

describe('the group of a layer', () => {
  const wanted = 'a group such as S(5)'
  const group = (value: unknown) => () => linear(any(value), { 1: 1 }, { 1: 1 })
  table([
    ['null', group(null), 'invalid-group', 'linear', wanted, 'null'],
    ['undefined', group(undefined), 'invalid-group', 'linear', wanted, 'undefined'],
    ['a name', group('O(3)'), 'invalid-group', 'linear', wanted, '"O(3)"'],
    ['a function', group(O), 'invalid-group', 'linear', wanted, 'function O'],
    ['a number', group(3), 'invalid-group', 'linear', wanted, '3'],
    ['an object', group({ name: 'O', n: 3 }), 'invalid-group', 'linear', wanted, '{name, n}'],
    ['a likeness', group({ spanning: () => [], name: 'O' }), 'invalid-group', 'linear', wanted, '{spanning, name}'],
  ])
})

describe('spaces', () => {
  const record = 'a record of order to channels'
  const channels = 'an integer from 1'
  const at = 'linear: input space'
  const order = 'an integer of at least 0'
  table([
    ['null', make(null, { 1: 1 }), 'invalid-argument', at, record, 'null'],
    ['undefined', make(undefined, { 1: 1 }), 'invalid-argument', at, record, 'undefined'],
    ['a number', make(2, { 1: 1 }), 'invalid-argument', at, record, '2'],
    ['an array', make([1, 2], { 1: 1 }), 'invalid-argument', at, record, '[1, 2]'],
    ['a typed array', make(new Float32Array(2), { 1: 1 }), 'invalid-argument', at, record, 'Float32Array(2)'],
    ['a map', make(new Map([[1, 1]]), { 1: 1 }), 'invalid-argument', at, /./, /./],
    ['nothing', make({}, { 1: 1 }), 'invalid-argument', at, 'at least one order', '{}'],
    ['an output that is null', make({ 1: 1 }, null), 'invalid-argument', 'linear: output space', record, 'null'],
    ['an output of nothing', make({ 1: 1 }, {}), 'invalid-argument', 'output space', 'at least one order', '{}'],
    ['order -1', make({ '-1': 1 }, { 1: 1 }), 'invalid-order', 'O(3)', order, '"-1"'],
    ['order 1.5', make({ 1.5: 1 }, { 1: 1 }), 'invalid-order', 'O(3)', order, '"1.5"'],
    ['order 01', make({ '01': 1 }, { 1: 1 }), 'invalid-order', 'O(3)', order, '"01"'],
    ['order 1e3', make({ '1e3': 1 }, { 1: 1 }), 'invalid-order', 'O(3)', order, '"1e3"'],
    ['order a', make({ a: 1 }, { 1: 1 }), 'invalid-order', 'O(3)', order, '"a"'],
    ['order NaN', make({ NaN: 1 }, { 1: 1 }), 'invalid-order', 'O(3)', order, '"NaN"'],
    ['order __proto__', make(JSON.parse('{"__proto__":1}'), { 1: 1 }), 'invalid-order', 'O(3)', order, '"__proto__"'],
    ['a long order', make({ ['1'.repeat(1e6)]: 1 }, { 1: 1 }), 'invalid-order', 'O(3)', order, /\.\.\."$/],
    ['0 channels', make({ 1: 0 }, { 1: 1 }), 'invalid-argument', `${at}, order 1`, channels, '0'],
    ['-1 channels', make({ 1: -1 }, { 1: 1 }), 'invalid-argument', `${at}, order 1`, channels, '-1'],
    ['1.5 channels', make({ 1: 1 }, { 2: 1.5 }), 'invalid-argument', 'output space, order 2', channels, '1.5'],
    ['NaN channels', make({ 1: NaN }, { 1: 1 }), 'invalid-argument', `${at}, order 1`, channels, 'NaN'],
    ['Infinity channels', make({ 1: Infinity }, { 1: 1 }), 'invalid-argument', `${at}, order 1`, channels, 'Infinity'],
    ['channels as text', make({ 1: '8' }, { 1: 1 }), 'invalid-argument', `${at}, order 1`, channels, '"8"'],
    ['channels as bigint', make({ 1: 8n }, { 1: 1 }), 'invalid-argument', `${at}, order 1`, channels, '8n'],
    ['channels null', make({ 1: null }, { 1: 1 }), 'invalid-argument', `${at}, order 1`, channels, 'null'],
    [
      'channels a symbol',
      make({ 1: Symbol('c') }, { 1: 1 }),
      'invalid-argument',
      `${at}, order 1`,
      channels,
      'Symbol(c)',
    ],
    [
      'a word that is none of the product',
      () => linear(product(S(3), O(2)), { abc: 1 }, { a: 1 }),
      'invalid-order',
      'S(3)×O(2)',
      'a word in a, b',
      '"abc"',
    ],
    [
      'one order under two names',
      () => linear(product(S(3), O(2)), { 0: 1, '': 2 }, { a: 1 }),
      'invalid-order',
      at,
      /./,
      /./,
    ],
  ])
})

describe('sizes past 2^53', () => {
  const most = /2\^53|9007199254740991|at most/
  const large = (group: unknown, input: unknown, output: unknown) => () => linear(any(group), any(input), any(output))
  table([
    ['S(2^27) 2→2', large(S(2 ** 27), { 2: 1 }, { 2: 1 }), 'size-overflow', 'input space, order 2', most, '134217728'],
    ['S(1e6) 3→3', large(S(1e6), { 3: 1 }, { 3: 1 }), 'size-overflow', 'input space, order 3', most, '1000000'],
    ['S(1e6) 1→3', large(S(1e6), { 1: 1 }, { 3: 1 }), 'size-overflow', 'output space, order 3', most, '1000000'],
    ['O(3) {1: 2^52}', large(O(3), { 1: 2 ** 52 }, { 1: 1 }), 'size-overflow', 'order 1', most, '4503599627370496'],
    [
      '2^60 channels',
      large(O(3), { 1: 2 ** 60 }, { 1: 1 }),
      'invalid-argument',
      'order 1',
      most,
      '1152921504606847000',
    ],
    ['2^30 × 2^30 channels', large(O(3), { 0: 2 ** 30 }, { 0: 2 ** 30 }), 'size-overflow', /./, most, /./],
    ['O(3) {100: 1}', large(O(3), { 100: 1 }, { 0: 1 }), 'size-overflow', 'order 100', most, /./],
    ['S(3) 20→20', large(S(3), { 20: 1 }, { 20: 1 }), 'size-overflow', /20 -> 20|40 vertices/, most, /./],
    ['O(2) 20→20', large(O(2), { 20: 1 }, { 20: 1 }), 'size-overflow', /20 -> 20|matchings/, most, /./],
    ['SO(13) 13→0', large(SO(13), { 13: 1 }, { 0: 1 }), 'size-overflow', 'SO(13)', most, '6227020800'],
    ['Sp(2^27) 2→2', large(Sp(2 ** 27), { 2: 1 }, { 2: 1 }), 'size-overflow', 'order 2', most, '134217728'],
  ])

  // In a process of their own: each may loop, or end the process for want of memory.
  test.each([
    ['O(3) 1e9→0', 'O(3)', '{ 1000000000: 1 }, { 0: 1 }'],
    ['O(3) 2^32−1→0', 'O(3)', '{ 4294967295: 1 }, { 0: 1 }'],
    ['O(3) 2^32→0', 'O(3)', '{ 4294967296: 1 }, { 0: 1 }'],
    ['O(1) 1e9→0', 'O(1)', '{ 1000000000: 1 }, { 0: 1 }'],
    ['S(1) 0→1e15', 'S(1)', '{ 0: 1 }, { 999999999999999: 1 }'],
    ['SO(11) 11→0', 'SO(11)', '{ 11: 1 }, { 0: 1 }'],
    ['S(6) 6→7', 'S(6)', '{ 6: 1 }, { 7: 1 }'],
    ['S(5)×S(5) with a word of 200,000 letters', 'S(5)×S(5)', '{ ["ab".repeat(100000)]: 1 }, { a: 1 }'],
  ])('%s', (_, group, spaces) => {
    const { error } = inProcess(`brauer.linear(brauer.groupFrom('${group}'), ${spaces}); answer(1)`, {}, 10)
    if (error?.name !== 'BrauerError') throw new Error(`expected a BrauerError, received ${JSON.stringify(error)}`)
    judge(new BrauerError(error.code as ErrorCode, error.message), { code: 'size-overflow' })
  })

  test('the largest sizes that fit are planned without touching them', () => {
    for (const [group, order] of [
      [S(2 ** 52), 1],
      [S(2 ** 26), 2],
      [O(2 ** 26), 2],
      [SO(2 ** 52), 1],
    ] as const) {
      const layer = linear(group, { [order]: 1 }, { [order]: 1 }, { backend: 'reference' })
      layer.explain()
    }
  })
})

describe('options', () => {
  const own = (name: string): string => `linear: option ${name}`
  const flag = 'true or false'
  table([
    ['a number for all', withOptions(3), 'invalid-argument', 'linear: options', 'an object', '3'],
    ['a text for all', withOptions('bias'), 'invalid-argument', 'linear: options', 'an object', '"bias"'],
    ['an array for all', withOptions([]), 'invalid-argument', 'linear: options', 'an object', '[]'],
    ['null for all', withOptions(null), 'invalid-argument', 'linear: options', 'an object', 'null'],
    ['bais', withOptions({ bais: true }), 'unknown-option', 'linear: options', 'bias', '"bais"; did you mean bias?'],
    ['Backend', withOptions({ Backend: 'cpu' }), 'unknown-option', 'options', 'backend', 'did you mean backend?'],
    [
      'normalise',
      withOptions({ normalise: 'sum' }),
      'unknown-option',
      'options',
      'normalize',
      'did you mean normalize?',
    ],
    [
      'expected_batch',
      withOptions({ expected_batch: 1 }),
      'unknown-option',
      'options',
      'expectedBatch',
      'expectedBatch?',
    ],
    ['an option unlike any', withOptions({ momentum: 0.9 }), 'unknown-option', 'options', 'bias', /"momentum"$/],
    ['__proto__', withOptions(JSON.parse('{"__proto__":{}}')), 'unknown-option', 'options', 'bias', '"__proto__"'],
    ['constructor', withOptions({ constructor: 1 }), 'unknown-option', 'options', 'bias', '"constructor"'],
    ['bias: 1', withOptions({ bias: 1 }), 'invalid-argument', own('bias'), flag, '1'],
    ['bias: "true"', withOptions({ bias: 'true' }), 'invalid-argument', own('bias'), flag, '"true"'],
    ['bias: null', withOptions({ bias: null }), 'invalid-argument', own('bias'), flag, 'null'],
    ['dtype: f32', withOptions({ dtype: 'f32' }), 'invalid-dtype', own('dtype'), 'float32, float64', '"f32"'],
    [
      'dtype: Float32Array',
      withOptions({ dtype: Float32Array }),
      'invalid-dtype',
      own('dtype'),
      'float32',
      'Float32Array',
    ],
    ['dtype: null', withOptions({ dtype: null }), 'invalid-dtype', own('dtype'), 'float32', 'null'],
    ['basis: all', withOptions({ basis: 'all' }), 'invalid-argument', own('basis'), 'independent or spanning', '"all"'],
    ['basis: null', withOptions({ basis: null }), 'invalid-argument', own('basis'), 'independent or spanning', 'null'],
    ['normalize: true', withOptions({ normalize: true }), 'invalid-argument', own('normalize'), 'sum or mean', 'true'],
    ['layout: NCHW', withOptions({ layout: 'NCHW' }), 'invalid-argument', own('layout'), 'channels-first', '"NCHW"'],
    ['precision: low', withOptions({ precision: 'low' }), 'invalid-argument', own('precision'), 'highest', '"low"'],
    [
      'cuda.mode: slow',
      withOptions({ cuda: { mode: 'slow' } }),
      'invalid-argument',
      own('cuda.mode'),
      'fused',
      '"slow"',
    ],
    ['strategy: fast', withOptions({ strategy: 'fast' }), 'invalid-argument', own('strategy'), 'dense', '"fast"'],
    ['expectedBatch: 0', withOptions({ expectedBatch: 0 }), 'invalid-argument', own('expectedBatch'), 'from 1', '0'],
    [
      'expectedBatch: "8"',
      withOptions({ expectedBatch: '8' }),
      'invalid-argument',
      own('expectedBatch'),
      'integer',
      '"8"',
    ],
    [
      'expectedBatch: Infinity',
      withOptions({ expectedBatch: Infinity }),
      'invalid-argument',
      own('expectedBatch'),
      'integer',
      'Infinity',
    ],
    ['seed: -1', withOptions({ seed: -1 }), 'invalid-argument', own('seed'), 'from 0', '-1'],
    ['seed: 1.5', withOptions({ seed: 1.5 }), 'invalid-argument', own('seed'), 'integer', '1.5'],
    ['seed: NaN', withOptions({ seed: NaN }), 'invalid-argument', own('seed'), 'integer', 'NaN'],
    ['seed: 1n', withOptions({ seed: 1n }), 'invalid-argument', own('seed'), 'integer', '1n'],
    ['threads: 0', withOptions({ threads: 0 }), 'invalid-argument', own('threads'), 'from 1', '0'],
    ['threads: 1e6', withOptions({ threads: 1e6 }), 'invalid-argument', own('threads'), '4096', '1000000'],
    ['threads: null', withOptions({ threads: null }), 'invalid-argument', own('threads'), 'integer', 'null'],
    ['steps: true', withOptions({ steps: true }), 'invalid-argument', own('steps'), 'an object', 'true'],
    [
      'steps: {shared}',
      withOptions({ steps: { shared: true } }),
      'unknown-option',
      own('steps'),
      'share',
      'did you mean share?',
    ],
    ['steps: {share: 1}', withOptions({ steps: { share: 1 } }), 'invalid-argument', 'option steps.share', flag, '1'],
    ['backend: 1', withOptions({ backend: 1 }), 'invalid-argument', own('backend'), 'a name', '1'],
    [
      'backend: symbol',
      withOptions({ backend: Symbol('cpu') }),
      'invalid-argument',
      own('backend'),
      'a name',
      'Symbol(cpu)',
    ],
  ])

  test('linear.async refuses the same by rejecting', async () => {
    const options = 'linear: options'
    await refusesAsync(() => linear.async(O(3), { 1: 1 }, { 1: 1 }, any({ bais: true })), {
      code: 'unknown-option', where: options, expected: 'bias', received: 'did you mean bias?',
    }) // prettier-ignore
    await refusesAsync(() => linear.async(any(null), { 1: 1 }, { 1: 1 }), {
      code: 'invalid-group', where: 'linear: group', expected: 'a group', received: 'null',
    }) // prettier-ignore
    // Found by the planner, in its own thread.
    await refusesAsync(() => linear.async(S(3), { 20: 1 }, { 20: 1 }), {
      code: 'size-overflow', where: /20 -> 20|40 vertices/, expected: 'at most', received: /\d/,
    }) // prettier-ignore
  })

  test('an option of ten million characters is refused without measuring its distance from every name', () => {
    const body = `brauer.linear(brauer.O(3), { 1: 1 }, { 1: 1 }, { ['b'.repeat(1e7)]: true }); answer(1)`
    const { error } = inProcess(body, {}, 10)
    judge(new BrauerError(error?.code as ErrorCode, error?.message ?? ''), {
      code: 'unknown-option',
      received: /\.\.\."$/,
    })
  })
})
