import { expect } from '@jest/globals'
import { createRequire } from 'node:module'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-backend-wasm'

/** Whether the backend in C++ is here; it registers itself. Its binary comes from outside the registry. */
function hasNode(): boolean {
  try {
    createRequire(import.meta.url)('@tensorflow/tfjs-node')
    return true
  } catch {
    return false
  }
}

/** Backends of TensorFlow.js by name; those that are not here, with the reason. */
export const backends: readonly { readonly name: string; readonly missing?: string }[] = [
  { name: 'cpu' },
  { name: 'wasm' },
  hasNode() ? { name: 'tensorflow' } : { name: 'tensorflow', missing: '@tensorflow/tfjs-node is not installed' },
]

export async function start(name: string): Promise<void> {
  expect(await tf.setBackend(name)).toBe(true)
  await tf.ready()
}

/** Numbers of a seed, between −1 and 1. */
export function numbers(size: number, seed: number): Float32Array {
  let state = seed * 7919 + 1
  return Float32Array.from({ length: size }, () => ((state = (state * 48271) % 2147483647) / 2147483647) * 2 - 1)
}

export const random = (shape: readonly number[], seed: number): tf.Tensor =>
  tf.tensor(numbers(shape.reduce((a, b) => a * b, 1), seed), [...shape]) // prettier-ignore
