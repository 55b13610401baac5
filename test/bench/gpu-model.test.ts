import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { gpuModel } from '../../bench/gpu/model.js'

test('bench/gpu-model.md is what the model says now (npm run gpu:model)', () => {
  expect(readFileSync(new URL('../../bench/gpu-model.md', import.meta.url), 'utf8')).toBe(gpuModel())
})
