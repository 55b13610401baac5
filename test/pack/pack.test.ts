import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { type Box, openBox } from './box.js'

// Diagrams 2 -> 2 in canonical order: δ of the output times the trace, the identity, the transposition. So with the weights below and
// X = (3i + j), of trace 12: y0 = 2 · 12, y2 = 10 · 12 · δ + X + Xᵀ/2.
const use = `
  const weights = {
    'weight.2.0': tensor(Float32Array.of(2), [1, 1, 1]),
    'weight.2.2': tensor(Float32Array.of(10, 1, 0.5), [3, 1, 1]),
  }
  const layer = linear(O(3), { 2: 1 }, { 0: 1, 2: 1 }, { backend })
  layer.load(weights)
  const x = tensor(Float32Array.from({ length: 9 }, (_, i) => i), [1, 3, 3, 1])
  const now = layer.forwardSync({ 2: x })
  layer.forward({ 2: x }).then((later) => {
    const numbers = (y) => ({ 0: [...y[0].data], 2: [...y[2].data], shape: y[2].shape })
    console.log(JSON.stringify({ ...layer.backend, now: numbers(now), later: numbers(later) }))
  })`
const indices = [0, 1, 2]
const y = {
  0: [24],
  2: indices.flatMap((i) => indices.map((j) => (i === j ? 120 : 0) + (3 * i + j) + (3 * j + i) / 2)),
  shape: [1, 3, 3, 1],
}

let box: Box
beforeAll(() => {
  box = openBox()
}, 120_000)
afterAll(() => box?.remove())

describe('the tarball', () => {
  test('holds what a program, a type checker and a build from source need', () => {
    for (const path of [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/cli/main.js',
      'dist-bench/main.js',
      'dist-bench/page/page.js',
      'bench/python/worker.py',
      'scripts/reference_layer.py',
      'LICENSE',
      'README.md',
      'CMakeLists.txt',
    ]) {
      expect(box.packed).toContain(path)
    }
    expect(box.packed).toContain('binding.gyp')
    expect(box.packed).toContain('scripts/gyp-build.mjs')
    expect(box.packed).toContain('native/bindings/addon.cpp')
    expect(box.packed.filter((path) => path.startsWith('prebuilds/') && path.endsWith('.node'))).toHaveLength(1)
  })

  test('holds nothing else', () => {
    const shipped =
      /^(dist|dist-bench|bench\/python|prebuilds|native|cuda|examples)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
    const outside = /^bench\/(package\.json|README\.md|contenders\/layer-worker\.mjs)$/
    const beside = /^(CMakeLists\.txt|binding\.gyp|scripts\/(gyp-build|nvcc)\.mjs|scripts\/reference_layer\.(md|py))$/
    expect(box.packed.filter((path) => ![shipped, outside, beside].some((each) => each.test(path)))).toEqual([])
    expect(box.packed.filter((path) => /\.tsbuildinfo$|__pycache__/.test(path))).toEqual([])
  })
})

describe('an installed package', () => {
  test('runs a layer from import, on the prebuilt binary', () => {
    const printed = box.node('use.mjs', `import { linear, O, tensor } from 'brauer'\nconst backend = 'cpu'\n${use}`)
    expect(JSON.parse(printed)).toMatchObject({ name: 'cpu', now: y, later: y })
  })

  test('runs a layer from require, on the prebuilt binary', () => {
    const printed = box.node(
      'use.cjs',
      `const { linear, O, tensor } = require('brauer')\nconst backend = 'cpu'\n${use}`,
    )
    expect(JSON.parse(printed)).toMatchObject({ name: 'cpu', now: y, later: y })
  })

  test('has types that a strict program without @types/node accepts, and that refuse a wrong one', () => {
    const program = `import { linear, O, tensor, type Tensor } from 'brauer'
      const layer = linear(O(3), { 1: 8 }, { 0: 16 }, { bias: true })
      const y: Tensor | undefined = layer.forwardSync({ 1: tensor(new Float32Array(24), [1, 3, 8]) })[0]
      y?.shape.map((extent) => extent * 2)
      `
    expect(box.check('right.ts', program)).toBe('')
    expect(box.check('wrong.ts', program + `linear(O(3), { 1: 8 }, { 0: 16 }, { bais: true })\n`)).toContain('bais')
  })

  test('brings the parts for other libraries, which name a package that they lack', () => {
    const program = (how: string) => `${how}
      console.log(onnxSession(linear(O(3), { 1: 1 }, { 0: 1, 1: 1 })).outputNames.join())
      try {
        exportOnnx(linear(O(3), { 1: 1 }, { 1: 1 }))
      } catch (error) {
        console.log(error.code, error.message.includes('npm install protobufjs'))
      }`
    const [imported, required] = [
      program(`import { linear, O } from 'brauer'\nimport { exportOnnx, onnxSession } from 'brauer/onnx'`),
      program(`const { linear, O } = require('brauer')\nconst { exportOnnx, onnxSession } = require('brauer/onnx')`),
    ]
    expect(box.node('onnx.mjs', imported)).toBe('y0,y1\npackage-missing true\n')
    expect(box.node('onnx.cjs', required)).toBe('y0,y1\npackage-missing true\n')
    const tfjs = ['brauer/tfjs', 'brauer/tfjs/layers'].map((name) => {
      return `await import('${name}').catch(({ code, message }) => console.log(code, /@tensorflow\\/[a-z-]+/.exec(message)[0]))`
    })
    const missing = 'ERR_MODULE_NOT_FOUND @tensorflow/tfjs-core\n'
    expect(box.node('tfjs.mjs', tfjs.join('\n'))).toBe(missing + missing)
  })

  test('brings the command line', () => {
    expect(box.command('brauer', 'info')).toMatch(/\d+\.\d+\.\d+/)
  })

  test('brings the benchmark', () => {
    const timed = box.command('brauer', 'bench', '--case', 'matvec', '--contenders', 'cpu', '--quick', '--threads', '1')
    expect(timed).toMatch(/^ {2}cpu +[\d.]+ +[\d.]+ /m)
  })

  // Last: it takes the binary away.
  test('runs the reference where there is no binary, and says why', () => {
    renameSync(join(box.installed, 'prebuilds'), join(box.installed, 'taken-away'))
    const printed = box.node('auto.mjs', `import { linear, O, tensor } from 'brauer'\nconst backend = 'auto'\n${use}`)
    expect(JSON.parse(printed)).toMatchObject({ name: 'reference', now: y, later: y })
    expect(JSON.parse(printed)).toHaveProperty('reason', expect.stringContaining('No native build was found'))
  })
})
