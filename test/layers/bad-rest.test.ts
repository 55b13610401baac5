/** The rest of the public face: check, methods of groups, files, and sizes that pass 2^53 only inside a program. */
import { describe, test } from '@jest/globals'
import { check, Diagram, linear, O, S, Tensor, tensor, writeNpy, writeSafetensors } from '../../lib/index.js'
import { refuses, type Refusal } from './refuses.js'

const any = (value: unknown): never => value as never
const layer = linear(S(3), { 1: 1 }, { 1: 1 }, { backend: 'reference' })
const pair = Diagram.of(1, 1, [[1, 2]])

describe('refused', () => {
  test.each<[string, () => unknown, Refusal]>([
    ['check(layer, {trails})', () => check(layer, any({ trails: 5 })), { code: 'unknown-option', where: 'check', expected: 'trials', received: 'did you mean trials?' }],
    ['check(layer, null)', () => check(layer, any(null)), { code: 'invalid-argument', where: 'check', expected: 'an object', received: 'null' }],
    ['check(layer, {trials: 0})', () => check(layer, { trials: 0 }), { code: 'invalid-argument', where: 'check: trials', expected: 'at least 1', received: '0' }],
    ['check(layer, {seed: "1"})', () => check(layer, any({ seed: '1' })), { code: 'invalid-argument', where: 'check: seed', expected: 'an integer', received: '"1"' }],
    ['check(layer, {tolerance: NaN})', () => check(layer, { tolerance: NaN }), { code: 'invalid-argument', where: 'check: tolerance', expected: 'at least 0', received: 'NaN' }],
    ['check(layer, {onTrial: 5})', () => check(layer, any({ onTrial: 5 })), { code: 'invalid-argument', where: 'check: onTrial', expected: 'a function', received: '5' }],
    ['check(null)', () => check(any(null)), { code: 'invalid-argument', where: 'check', expected: 'a layer', received: 'null' }],
    ['O(3).compose(null, null)', () => O(3).compose(any(null), any(null)), { code: 'invalid-diagram', where: 'O(3)', expected: 'a diagram', received: 'null' }],
    ['O(3).gram(diagram, null)', () => O(3).gram(pair, any(null)), { code: 'invalid-diagram', where: 'O(3)', expected: 'a diagram', received: 'null' }],
    ['O(3).transpose({})', () => O(3).transpose(any({})), { code: 'invalid-diagram', where: 'O(3)', expected: 'a diagram', received: '{}' }],
    ['O(3).at(null)', () => O(3).at(any(null)), { code: 'invalid-group', where: 'O(3).at', expected: 'one n', received: 'null' }],
    ['O(3).sample(5)', () => O(3).sample(any(5)), { code: 'invalid-argument', where: 'O(3).sample', expected: 'a function', received: '5' }],
    ['O(3).parse(null)', () => O(3).parse(any(null), 1, 1), { code: 'invalid-diagram', where: 'diagram key', expected: 'a string', received: 'null' }],
    ['O(3).parse("1|2")', () => O(3).parse('1|2', 1, 1), { code: 'invalid-diagram', where: 'O(3)', expected: 'pairs only', received: '"1|2"' }],
    ['O(3).parse of a long key', () => O(3).parse('1,'.repeat(1e6), 1, 1), { code: 'invalid-diagram', where: 'diagram key', expected: 'vertices', received: /\.\.\."$/ }],
    ['new Tensor of a text', () => new Tensor(any('x'), [2], 'float32'), { code: 'invalid-argument', where: 'tensor', expected: /./, received: '"x"' }],
    ['new Tensor without a shape', () => new Tensor(new Float32Array(1), any(null), 'float32'), { code: 'invalid-shape', where: 'tensor', expected: 'an array of sizes', received: 'null' }],
    ['writeSafetensors(null)', () => writeSafetensors(any(null)), { code: 'invalid-argument', where: 'safetensors', expected: /./, received: 'null' }],
    ['writeSafetensors({}, null)', () => writeSafetensors({}, any(null)), { code: 'invalid-argument', where: 'safetensors: metadata', expected: /./, received: 'null' }],
    ['writeNpy(null)', () => writeNpy(any(null)), { code: 'invalid-argument', where: 'npy', expected: 'a tensor', received: 'null' }],
    ['writeNpy of a disposed tensor', () => { const gone = tensor([1], [1]); gone.dispose(); return writeNpy(gone) }, { code: 'disposed', where: 'tensor', expected: 'a live tensor', received: 'disposed' }],
  ])('%s', (_, call, refusal) => refuses(call, refusal)) // prettier-ignore
})

describe.each(['reference', 'cpu'])('%s', (backend) => {
  // An item has 8e15 elements, which is below 2^53; two intermediate results of that size are not.
  test('S(200000) 3→3 overflows in its scratch', () => {
    refuses(() => linear(S(200000), { 3: 1 }, { 3: 1 }, { backend }), {
      code: 'size-overflow', where: /./, expected: '2^53', received: /\d/,
    }) // prettier-ignore
  })
})
