import { expect, test } from '@jest/globals'
import { groupFrom } from '../../lib/index.js'
import { describeCase, quick, suite } from '../../bench/cases.js'

test('the suite', () => {
  const table = suite.map((each) => `${each.name}: ${describeCase(each)}, batch ${each.batch} and ${each.gpuBatch}`)
  expect(table).toEqual([
    's1-set: S(1024) {1: 64} -> {1: 64}, batch 32 and 1024',
    's2-graph: S(64) {2: 32} -> {2: 32}, batch 32 and 512',
    's2-big: S(512) {2: 16} -> {2: 16}, batch 1 and 16',
    's3: S(16) {3: 16} -> {3: 16}, batch 8 and 1024',
    's4: S(6) {4: 8} -> {4: 8}, batch 8 and 8192',
    'o3-2: O(3) {2: 64} -> {2: 64}, batch 16384 and 131072',
    'o3-mixed: O(3) {0: 64, 1: 64, 2: 32} -> {0: 64, 1: 64, 2: 32}, batch 8192 and 131072',
    'o3-4: O(3) {4: 32} -> {4: 32}, batch 256 and 16384',
    'so3-mixed: SO(3) {0: 32, 1: 32, 2: 32} -> {0: 32, 1: 32, 2: 32}, batch 8192 and 131072',
    'sp6: Sp(6) {3: 16} -> {3: 16}, batch 256 and 16384',
    'o5: O(5) {5: 1} -> {5: 1}, batch 64 and 16384',
    'matvec: O(5) {3: 1} -> {3: 1}, batch 1 and 1',
    'pelican: S(52) {2: 35} -> {2: 60}, bias, batch 16 and 1024',
    'ign: S(39) {2: 32} -> {2: 256}, channels-first, batch 5 and 512',
    'snnnet3: S(9) {3: 32} -> {3: 32}, bias, batch 32 and 2048',
    'tensornet: O(3) {2: 128} -> {2: 128}, batch 2304 and 65536',
  ])
  for (const { group } of suite) expect(groupFrom(group).toString()).toBe(group)
})

test('quick cuts batches to a sixteenth, rounded up', () => {
  expect(suite.map((each) => quick(each).batch)).toEqual([2, 2, 1, 1, 1, 1024, 512, 16, 512, 16, 4, 1, 1, 1, 2, 144])
})
