import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { measureProduct } from '../../lib/backends/native.js'
import { cpuInfo } from '../../lib/index.js'
import { brauer, scratch } from '../cli/support.js'
import { fakeBlas, inChild } from './child.js'

// A BLAS in place of our kernels: by name or not at all, and no bit of an item tells what was around it.

const root = fileURLToPath(new URL('../..', import.meta.url))
const fake = fakeBlas

/** What a process found with a library: a hash of each case's results, and how far they are from the reference. */
interface Found {
  readonly hashes: Readonly<Record<string, string>>
  readonly worst: Readonly<Record<'float32' | 'float64', number>>
  readonly alone: boolean
  readonly device: string
  readonly products: readonly { dtype: string; inner: number; cols: number; used: boolean }[]
}

const body = `
  import { createHash } from 'node:crypto'
  // At least 3 channels: two products have one sum in either order.
  const cases = [
    ['O(3)', { 0: 5, 1: 33, 2: 16 }, { 0: 40, 1: 7, 2: 16 }, {}],
    ['S(6)', { 2: 32, 1: 3 }, { 1: 3, 2: 40 }, {}],
    ['S(30)', { 2: 16 }, { 2: 17, 1: 3 }, { steps: { fourier: true } }],
    ['O(2)', { 2: 16 }, { 2: 24 }, { strategy: 'dense' }],
  ]
  const batch = 37
  const random = (i) => (Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 24 - 0.4
  const make = (group, space, dtype, items) => Object.fromEntries(Object.entries(space).map(([k, c]) => {
    const shape = [items, ...Array(Number(k)).fill(group.kinds[0].n), c]
    return [k, brauer.tensor(Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => random(i)), shape, dtype)]
  }))
  const hash = (y) => {
    const sum = createHash('sha256')
    for (const key of Object.keys(y)) sum.update(y[key].data)
    return sum.digest('hex').slice(0, 16)
  }
  const hashes = {}, worst = { float32: 0, float64: 0 }
  let alone = true, device
  for (const [name, input, output, options] of cases) {
    for (const dtype of Object.keys(worst)) {
      const group = brauer.groupFrom(name)
      const items = name === 'S(30)' ? 3 : batch
      const names = process.env.COMPARE ? ['cpu', 'reference'] : ['cpu']
      const layers = Object.fromEntries(names.map((backend) =>
        [backend, brauer.linear(group, input, output, { ...options, dtype, backend, bias: true, seed: 1 })]))
      device = layers.cpu.backend.device
      const x = make(group, input, dtype, items), g = make(group, output, dtype, items)
      const y = layers.cpu.forwardSync(x)
      const gradients = [layers.cpu.inputGradientSync(g), layers.cpu.weightGradientSync(x, g)]
      hashes[name + ' ' + dtype] = [y, ...gradients].map(hash).join()
      const { reference } = layers
      const wanted = reference && [reference.forwardSync(x), reference.inputGradientSync(g), reference.weightGradientSync(x, g)]
      for (const [i, ours] of wanted ? [y, ...gradients].entries() : []) {
        for (const key of Object.keys(ours)) {
          const [u, v] = [ours[key].toNumbers(), wanted[i][key].toNumbers()]
          const norm = Math.sqrt(v.reduce((sum, value) => sum + value * value, 0)) || 1
          const error = Math.sqrt(v.reduce((sum, value, at) => sum + (value - u[at]) ** 2, 0)) / norm
          worst[dtype] = Math.max(worst[dtype], Number.isNaN(error) ? 1 : error)
        }
      }
      for (const item of [0, 1, items - 1]) {
        const part = (all) => Object.fromEntries(Object.entries(all).map(([k, value]) => {
          const [, ...rest] = value.shape, size = value.size / items
          return [k, brauer.tensor(value.data.slice(item * size, (item + 1) * size), [1, ...rest], dtype)]
        }))
        const [one, gradient] = [layers.cpu.forwardSync(part(x)), layers.cpu.inputGradientSync(part(g))]
        alone &&= hash(one) === hash(part(y)) && hash(gradient) === hash(part(gradients[0]))
      }
    }
  }
  console.log(JSON.stringify({ hashes, worst, alone, device, products: brauer.cpuInfo().blas.products }))
`

const find = (library: string, env: Record<string, string> = {}): Found =>
  inChild(body, { BRAUER_BLAS: library, ...env }) as Found
const loads = (library: string): boolean => {
  const code = `import { cpuInfo } from ${JSON.stringify(`${root}dist/index.js`)}\nprocess.exitCode = cpuInfo().blas.library ? 0 : 1`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, BRAUER_BLAS: library },
  })
  return child.status === 0
}
const cuts: [string, Record<string, string>][] = [
  ['1 thread', { BRAUER_NUM_THREADS: '1' }],
  ['3 threads', { BRAUER_NUM_THREADS: '3' }],
  ['8 threads', { BRAUER_NUM_THREADS: '8' }],
  ['small tiles and boxes', { BRAUER_TILE_BYTES: '20000' }],
  ['whole items', { BRAUER_TILE_BYTES: String(2 ** 28) }],
]

function keepsItsBits(library: string): void {
  let found: Found
  beforeAll(() => {
    found = find(library, { BRAUER_NUM_THREADS: '2', COMPARE: '1' })
  })

  test('gives the values of the reference, forward and both gradients', () => {
    expect(found.worst.float32).toBeLessThan(2e-6)
    expect(found.worst.float64).toBeLessThan(1e-13)
    expect(found.device).toContain(` with ${library} (`)
  })

  test('gives an item alone the bits that it has in a batch', () => {
    expect(found.alone).toBe(true)
  })

  test.each(cuts)('gives the same bits with %s', (_, env) => {
    expect(find(library, env).hashes).toEqual(found.hashes)
  })
}

const withFake = fake === undefined ? describe.skip : describe
withFake(`a library made for tests${fake === undefined ? ' (not built: npm test builds it)' : ''}`, () => {
  if (fake === undefined) return
  keepsItsBits(fake)

  test('is asked for the products of rows, of both dtypes', () => {
    const { products } = find(fake)
    expect(products.filter(({ used }) => !used)).toEqual([])
    for (const dtype of ['float32', 'float64']) {
      expect(products).toContainEqual({ dtype, inner: 33, cols: 7, used: true })
      expect(products).toContainEqual({ dtype, inner: 7, cols: 33, used: true })
    }
  })

  test('computes forward and the gradient by x', () => {
    const text = `
      const layer = brauer.linear(brauer.S(9), { 1: 40 }, { 1: 24 }, { backend: 'cpu' })
      const rows = (c) => brauer.tensor(new Float32Array(64 * 9 * c).fill(0.5), [64, 9, c])
      const isNumber = (value) => value.data.every((each) => !Number.isNaN(each))
      layer.inputGradientSync({ 1: rows(24) })
      process.env.FAKE_BLAS = 'spoiled'
      console.log(JSON.stringify([
        isNumber(layer.forwardSync({ 1: rows(40) })[1]),
        isNumber(layer.inputGradientSync({ 1: rows(24) })[1]),
        isNumber(layer.weightGradientSync({ 1: rows(40) }, { 1: rows(24) })['weight.1.1']),
      ]))`
    expect(inChild(text, { BRAUER_BLAS: fake })).toEqual([false, false, true])
    expect(inChild(text, { BRAUER_BLAS: 'off' })).toEqual([true, true, true])
  })

  test.each(['places', 'alignment', 'adding', 'spoiled'])(
    'is left out where its rows would differ (%s): bits are those of our kernels',
    (mode) => {
      const found = find(fake, { FAKE_BLAS: mode })
      expect(found.products.length).toBeGreaterThan(4)
      expect(found.products.filter(({ used }) => used)).toEqual([])
      expect(found.hashes).toEqual(find('off').hashes)
    },
  )

  test('keeps its bits also when it sums small calls in another order', () => {
    const found = find(fake, { FAKE_BLAS: 'sizes', BRAUER_NUM_THREADS: '2' })
    expect(found.alone).toBe(true)
    expect(found.products.filter(({ used }) => !used)).toEqual([])
    expect(find(fake, { FAKE_BLAS: 'sizes', BRAUER_TILE_BYTES: '20000' }).hashes).toEqual(found.hashes)
  })

  test('is named by brauer info', () => {
    const { stdout } = brauer(['info'], { env: { BRAUER_BLAS: fake } })
    expect(stdout).toContain(`${fake} (FakeBLAS 1.2.3, none): asked for by BRAUER_BLAS`)
    expect(stdout).toMatch(/^(backends)? +cpu: available \(.+ with .+fake_blas/m)
  })

  test.each([
    [fake.replace(/(\.\w+)$/, '_without_dgemm$1'), {}, 'which lacks cblas_dgemm'],
    [fake, { FAKE_BLAS: 'wide' }, 'whose sizes have 64 bits'],
  ])('%s %j is refused', (library, env, why) => {
    const message = refusal('cpu', { BRAUER_BLAS: library, ...env })
    expect(message).toMatch(/^invalid-argument .*BRAUER_BLAS: expected auto, off or a library .*, received '/)
    expect(message).toContain(why)
  })

  test('can be measured beside our own kernels', () => {
    const text = `const { measureProduct } = await import(${JSON.stringify(`${root}dist/backends/native.js`)})
      console.log(JSON.stringify(['own', 'blas'].map((by) => measureProduct(by, 'float32', 100, 16, 16))))`
    const [own, blas] = inChild(text, { BRAUER_BLAS: fake }) as [number, number]
    expect(Math.min(own, blas)).toBeGreaterThan(1e6)
    const off = inChild(
      text.replace('console.log', 'try { console.log').concat("} catch (error) { console.log(JSON.stringify(error.code + ' ' + error.message)) }"),
      { BRAUER_BLAS: 'off' },
    )
    expect(off).toBe('invalid-argument productRate: expected an installed BLAS, received none')
  }) // prettier-ignore
})

const installed = ['libopenblas.so.0', 'libmkl_rt.so.3', 'libmkl_rt.so.2', 'libblis.so.4'].filter(loads)
if (installed.length === 0) describe.skip('an installed library (none on this machine)', () => test('keeps its bits', () => {})) // prettier-ignore
describe.each(installed)('%s', (library) => keepsItsBits(library))

const refusal = (backend: string, env: Record<string, string>): unknown =>
  inChild(
    `try { brauer.linear(brauer.O(3), { 1: 1 }, { 1: 1 }, { backend: '${backend}' }); console.log('"no error"') }
    catch (error) { console.log(JSON.stringify(error.code + ' ' + error.message)) }`,
    env,
  )

test('a library that does not open is an error, for auto too', () => {
  for (const backend of ['cpu', 'auto']) {
    const message = refusal(backend, { BRAUER_BLAS: 'libnone.so.99' })
    expect(message).toMatch(
      /^invalid-argument .*BRAUER_BLAS: expected auto, off or .*, received 'libnone\.so\.99', which/,
    )
  }
})

const { path: cache, remove } = scratch()
afterAll(remove)

test.each([
  ['off', 'BRAUER_BLAS=off'],
  ['auto', 'calibration'],
  ['', 'calibration'],
])('BRAUER_BLAS=%s without a calibration uses none, and says why', (value, why) => {
  const env = { BRAUER_BLAS: value, BRAUER_CACHE: cache }
  const { library, reason, products } = inChild(
    `brauer.linear(brauer.O(3), { 1: 16 }, { 1: 16 }, { backend: 'cpu' })
    console.log(JSON.stringify(brauer.cpuInfo().blas))`,
    env,
  ) as ReturnType<typeof cpuInfo>['blas']
  expect(library).toBeUndefined()
  expect(reason).toContain(why)
  expect(products).toEqual([])
  expect(brauer(['info'], { env }).stdout).toMatch(/^blas +none: /m)
})

test('a product of no rows cannot be measured', () => {
  expect(() => measureProduct('own', 'float32', 0, 16, 16)).toThrow(/productRate: expected sizes of at least 1/)
})
