/** BRAUER_BLAS=auto: an installed library for the products that a calibration found faster, chosen once per process. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Binding, BlasRange } from '../../lib/backends/binding.js'
import { defaultConstants, processorName, type MeasuredBlas } from '../../lib/backends/calibration.js'
import { cpuInfo } from '../../lib/index.js'
import { brauer } from '../cli/support.js'
import { fakeBlas, inChild } from './child.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'brauer-blas-'))
afterAll(() => rmSync(folder, { recursive: true }))

const library = 'libopenblas.so.0 (FakeBLAS 1.2.3, none)'
const range: BlasRange = { dtype: 'float32', inner: [16, 24], cols: [8, 16] }

/** An environment in which the fake library is installed under a usual name. */
const auto = { BRAUER_BLAS: 'auto', LD_LIBRARY_PATH: folder }

let caches = 0
/** A folder with a calibration, which `change` may make another one. */
function cacheWith(change: Partial<MeasuredBlas> = {}, also: object = {}): string {
  const blas = { library, processor: processorName(cpuInfo()), faster: [range], ...change }
  return cacheOf(JSON.stringify({ format: 2, constants: defaultConstants, machine: 'another', blas, ...also }))
}

function cacheOf(text: string): string {
  const path = join(folder, `cache-${++caches}`)
  mkdirSync(path)
  writeFileSync(join(path, 'calibration.json'), text)
  return path
}

interface Found {
  readonly hashes: readonly string[]
  readonly device: string
  readonly blas: ReturnType<typeof cpuInfo>['blas']
}

// The results of products of 24 x 16, and of their gradients, 16 x 24; and in float64.
const layers = `
  const { createHash } = await import('node:crypto')
  const random = (i) => (Math.imul(i + 1, 2654435761) >>> 8) / 2 ** 24 - 0.4
  const data = (c, dtype) =>
    brauer.tensor(Array.from({ length: 50 * 3 * c }, (_, i) => random(i)), [50, 3, c], dtype)
  const results = () => ['float32', 'float64'].flatMap((dtype) => {
    const layer = brauer.linear(brauer.O(3), { 1: 24 }, { 1: 16 }, { backend: 'cpu', dtype, seed: 1 })
    const hash = (y) => createHash('sha256').update(y[1].data).digest('hex')
    return [hash(layer.forwardSync({ 1: data(24, dtype) })), hash(layer.inputGradientSync({ 1: data(16, dtype) }))]
  })
  const found = () => ({
    hashes: results(),
    device: brauer.linear(brauer.O(3), { 1: 1 }, { 1: 1 }, { backend: 'cpu' }).backend.device,
    blas: brauer.cpuInfo().blas,
  })`
const find = (env: Record<string, string>): Found =>
  inChild(`${layers}\nconsole.log(JSON.stringify(found()))`, env) as Found

const canInstall = fakeBlas !== undefined && process.platform === 'linux'
const withFake = canInstall ? describe : describe.skip
withFake(`a calibrated library${canInstall ? '' : ' (needs Linux and the library that npm test builds)'}`, () => {
  let everywhere: Found, nowhere: Found
  beforeAll(() => {
    symlinkSync(fakeBlas!, join(folder, 'libopenblas.so.0'))
    everywhere = find({ ...auto, BRAUER_BLAS: 'libopenblas.so.0' })
    nowhere = find({ ...auto, BRAUER_BLAS: 'off', BRAUER_CACHE: cacheWith() })
    expect(everywhere.hashes.map((hash, at) => hash === nowhere.hashes[at])).toEqual([false, false, false, false])
  })

  test('multiplies the products that it is faster for, and no others', () => {
    const { hashes, device, blas } = find({ ...auto, BRAUER_CACHE: cacheWith() })
    expect(hashes).toEqual([everywhere.hashes[0], ...nowhere.hashes.slice(1)])
    expect(blas.products).toEqual([{ dtype: 'float32', inner: 24, cols: 16, used: true }])
    expect(blas).toMatchObject({ library, faster: [range], reason: expect.stringContaining('calibration') })
    expect(device).toMatch(/ with libopenblas\.so\.0 \(FakeBLAS 1\.2\.3, none\) for float32 16-24×8-16$/)
    expect(everywhere.device).toMatch(/ none\)$/)
  })

  test.each<[string, number, BlasRange[]]>([
    ['the gradient', 1, [{ dtype: 'float32', inner: [16, 16], cols: [24, 24] }]],
    ['float64', 2, [{ dtype: 'float64', inner: [17, 24], cols: [16, 2 ** 31] }]],
    [
      'one of several ranges',
      3,
      [
        { ...range, inner: [1, 1] },
        { dtype: 'float64', inner: [16, 16], cols: [24, 24] },
      ],
    ],
    ['none: inner is too small', -1, [{ dtype: 'float32', inner: [25, 30], cols: [16, 16] }]],
    ['none: inner is too large', -1, [{ dtype: 'float32', inner: [1, 23], cols: [16, 16] }]],
    ['none: cols are too few', -1, [{ dtype: 'float32', inner: [24, 24], cols: [17, 23] }]],
    ['none: cols are too many', -1, [{ dtype: 'float32', inner: [24, 24], cols: [1, 15] }]],
  ])('goes by size and dtype: %s', (_, at, faster) => {
    const { hashes } = find({ ...auto, BRAUER_CACHE: cacheWith({ faster }) })
    expect(hashes).toEqual(nowhere.hashes.map((hash, i) => (i === at ? everywhere.hashes[i] : hash)))
  })

  test('is the same for every number of threads', () => {
    const cache = cacheWith()
    for (const threads of ['1', '3'])
      expect(find({ ...auto, BRAUER_CACHE: cache, BRAUER_NUM_THREADS: threads }).hashes[0]).toBe(everywhere.hashes[0])
  })

  test('is named by brauer info, with its products and why', () => {
    const { stdout } = brauer(['info'], { env: { ...auto, BRAUER_CACHE: cacheWith() } })
    expect(stdout).toMatch(
      /^blas +libopenblas\.so\.0 \(Fake.*\) for float32 16-24×8-16: BRAUER_BLAS=auto.*calibration/m,
    )
    expect(stdout).toMatch(/^(backends)? +cpu: available \(.+ with libopenblas.* for float32/m)
  })

  test.each<[string, () => string, string]>([
    ['of another version', () => cacheWith({ library: library.replace('1.2.3', '1.2.2') }), `received '${library}'`],
    ['of a name that auto does not open', () => cacheWith({ library: fakeBlas! }), 'received none of that name'],
    ['that is not installed', () => cacheWith({ library: 'libmkl_rt.so.3 (MKL)' }), 'which does not open'],
    ['that was faster for nothing', () => cacheWith({ faster: [] }), 'faster for no product'],
    ['of another processor', () => cacheWith({ processor: 'another' }), 'there is none'],
    ['of another format', () => cacheWith({}, { format: 1 }), 'there is none'],
    ['without constants', () => cacheWith({}, { constants: {} }), 'there is none'],
    ['of a dtype that has none', () => cacheWith({ faster: [{ ...range, dtype: 'int8' as never }] }), 'there is none'],
    ['of sizes upside down', () => cacheWith({ faster: [{ ...range, cols: [16, 8] }] }), 'there is none'],
    ['of half a file', () => cacheOf('{ "format": 2, "blas":'), 'there is none'],
  ])('%s is not used', (_, cache, why) => {
    const { hashes, device, blas } = find({ ...auto, BRAUER_CACHE: cache() })
    expect(hashes).toEqual(nowhere.hashes)
    expect(device).not.toContain('with')
    expect(blas.library).toBeUndefined()
    expect(blas.reason).toContain(why)
  })

  // Threads of Node have an environment and a copy of the library's modules each, and one addon.
  const inWorker = `
    const { Worker } = await import('node:worker_threads')
    const worker = (cache) => new Promise((resolve, reject) => {
      const env = { ...process.env, BRAUER_CACHE: cache }
      new Worker(process.env.WORKER_FILE, { env, execArgv: [] }).on('message', resolve).on('error', reject)
    })`
  const workerFile = join(folder, 'worker.mjs')
  writeFileSync(
    workerFile,
    `import { parentPort } from 'node:worker_threads'
    import * as brauer from ${JSON.stringify(`${root}dist/index.js`)}
    ${layers}
    parentPort.postMessage(found())`,
  )

  test('holds for the process once it is chosen, for other threads too', () => {
    const text = `${layers}${inWorker}
      const here = found()
      console.log(JSON.stringify([here, await worker(process.env.BRAUER_CACHE + '-none'), found()]))`
    const [here, ...later] = inChild(text, { ...auto, BRAUER_CACHE: cacheWith(), WORKER_FILE: workerFile }) as Found[]
    expect(here!.hashes[0]).toBe(everywhere.hashes[0])
    for (const each of later) expect(each).toEqual(here)
  })

  test('is not chosen any more once there is a backend without it', () => {
    const text = `${layers}${inWorker}
      const first = brauer.linear(brauer.O(3), { 1: 2 }, { 1: 2 }, { backend: 'cpu' }).backend
      console.log(JSON.stringify([await worker(${JSON.stringify(cacheWith())}), found()]))`
    const none = { ...auto, BRAUER_CACHE: join(folder, 'nothing'), WORKER_FILE: workerFile }
    for (const { hashes, blas } of inChild(text, none) as Found[]) {
      expect(hashes).toEqual(nowhere.hashes)
      expect(blas.library).toBeUndefined()
    }
  })

  test.each([
    ['before the first load', 'use(); load()', library],
    ['once', 'use(); addon.useBlas("", new Float64Array())', library],
    ['not after a load', 'load(); use()', null],
    ['not after none', 'addon.useBlas("", new Float64Array()); use()', null],
  ])('is chosen %s', (_, calls, chosen) => {
    const text = `
      const { createRequire } = await import('node:module')
      const { encode } = await import(${JSON.stringify(`${root}dist/program/encode.js`)})
      const { adding } = await import(${JSON.stringify(`${root}test/bindings/stress/programs.mjs`)})
      const addon = createRequire(${JSON.stringify(`${root}dist/index.js`)})('node-gyp-build')(${JSON.stringify(root)})
      const load = () => addon.load(encode(adding(48)), 0, 1)
      const use = () => addon.useBlas(${JSON.stringify(library)}, Float64Array.of(0, 16, 24, 8, 16))
      ${calls}
      console.log(JSON.stringify(addon.info().blas.library ?? null))`
    expect(inChild(text, auto)).toBe(chosen)
  })

  test('is left alone by what measures without it', () => {
    const text = `${layers}
      const { leaveBlas } = await import(${JSON.stringify(`${root}dist/backends/native.js`)})
      leaveBlas()
      console.log(JSON.stringify(found()))`
    expect((inChild(text, { ...auto, BRAUER_CACHE: cacheWith() }) as Found).hashes).toEqual(nowhere.hashes)
  })

  test('that is slow is measured, and chosen for nothing', () => {
    const cache = join(folder, 'measured')
    const text = `
      const { measureBlas } = await import(${JSON.stringify(`${root}dist-bench/product-rates.js`)})
      const { defaultConstants, processorName, saveCalibration } =
        await import(${JSON.stringify(`${root}dist/backends/calibration.js`)})
      const grid = { sizes: [48, 64], rows: [128, 256], rounds: 1 }
      const { measured, ratios } = measureBlas(processorName(brauer.cpuInfo()), grid)
      saveCalibration({ constants: defaultConstants, machine: 'this', blas: measured })
      console.log(JSON.stringify([measured, ratios]))`
    const env = { ...auto, BRAUER_CACHE: cache }
    const [measured, ratios] = inChild(text, env) as [MeasuredBlas, { dtype: string; ratio: number }[]]
    expect(measured).toEqual({ library, processor: processorName(cpuInfo()), faster: [] })
    expect(ratios.length).toBe(8)
    for (const { ratio } of ratios) expect(ratio > 0 && ratio < 1).toBe(true)
    expect(find(env).blas.reason).toBe(`BRAUER_BLAS=auto, and a calibration found ${library} faster for no product`)
    // It computes no two rows alike now.
    const spoiled = inChild(text, { ...env, FAKE_BLAS: 'places' }) as (typeof ratios)[]
    expect(spoiled[1]!.every(({ ratio }) => ratio === 0)).toBe(true)
    const off = `const { measureBlas } = await import(${JSON.stringify(`${root}dist-bench/product-rates.js`)})
      console.log(JSON.stringify([measureBlas('this', { sizes: [16], rows: [16], rounds: 1 })]))`
    expect(inChild(off, { ...env, BRAUER_BLAS: 'off' })).toEqual([null])
  })
})

describe('useBlas of the addon', () => {
  const addon = (createRequire(import.meta.url)('node-gyp-build') as (root: string) => Binding)(root)
  const integers = 'useBlas: ranges: expected five integers for each, a dtype and four sizes, received others'
  const ordered = 'useBlas: ranges: expected the least and the most of each size, received others'
  test.each<[string, unknown, unknown, string]>([
    ['a name that is no string', 7, new Float64Array(), 'useBlas: library: expected a string, received a number'],
    ['ranges that are no numbers', '', [0, 1, 1, 1, 1], 'useBlas: ranges: expected a Float64Array of memory that'],
    ['numbers of another kind', '', new Float32Array(5), 'useBlas: ranges: expected a Float64Array of memory that'],
    ['part of a range', '', Float64Array.of(0, 1, 1, 1), integers],
    ['a dtype without kernels', '', Float64Array.of(2, 1, 1, 1, 1), integers],
    ['a fraction', '', Float64Array.of(0, 1, 1.5, 1, 1), integers],
    ['no number', '', Float64Array.of(0, 1, NaN, 1, 1), integers],
    ['a negative size', '', Float64Array.of(0, -1, 1, 1, 1), integers],
    ['a size past 2^31', '', Float64Array.of(0, 1, 1, 1, 2 ** 31 + 1), integers],
    ['a size of 0', '', Float64Array.of(0, 1, 1, 0, 1), ordered],
    ['sizes upside down', '', Float64Array.of(1, 1, 1, 1, 1, 0, 3, 2, 1, 1), ordered],
  ])('refuses %s', (_, name, ranges, message) => {
    const status = addon.useBlas(name as string, ranges as Float64Array)
    expect(status?.code).toBe('invalid-argument')
    expect(status?.message).toContain(message)
  })
})
