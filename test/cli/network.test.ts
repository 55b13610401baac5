import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { gated, linear, O, readNpy, saveNetwork, sequential, tensor, writeNpy } from '../../lib/index.js'
import { readFileSync } from 'node:fs'
import { brauer, scratch } from './support.js'

const { path: folder, remove } = scratch()
afterAll(remove)

const network = sequential(linear(O(3), { 1: 2 }, { 0: 3, 1: 3 }), gated(O(3), { 1: 3 }))
const file = join(folder, 'network.safetensors')
writeFileSync(file, saveNetwork(network))

test('brauer check proves that the network of a file is equivariant', () => {
  const { status, stdout, stderr } = brauer(['check', file, '--trials', '2'])
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout.match(/^holds/gm)).toHaveLength(3)
})

test('brauer run applies it', () => {
  const x = tensor(
    Float32Array.from({ length: 12 }, (_, i) => i - 5),
    [2, 3, 2],
  )
  writeFileSync(join(folder, 'x.npy'), writeNpy(x))
  expect(brauer(['run', file, join(folder, 'x.npy'), '-o', join(folder, 'y.npy')]).status).toBe(0)
  expect(readNpy(readFileSync(join(folder, 'y.npy'))).toNumbers()).toEqual(
    network.forwardSync({ 1: x })[1]!.toNumbers(),
  )
})

test('brauer explain is of one layer', () => {
  const { status, stderr } = brauer(['explain', file])
  expect([status, stderr]).toEqual([1, expect.stringMatching(/expected one layer, received a network/)])
})
