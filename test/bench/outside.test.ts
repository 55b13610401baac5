import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import type { Case } from '../../bench/cases.js'
import { Child, LateError, type Command, type Shaped } from '../../bench/contenders/child.js'
import { ContenderError, isSkip, type Contender } from '../../bench/contenders/contender.js'
import { graphOf } from '../../bench/contenders/graph-of.js'
import { contenders, outsideContenders, ownContenders } from '../../bench/contenders/index.js'
import { installed } from '../../bench/contenders/installed.js'
import { isaContenders } from '../../bench/contenders/isa.js'
import { onnxModel, type Protobuf } from '../../bench/contenders/onnx-model.js'
import { endWorkers } from '../../bench/contenders/worker.js'
import { describeMachine } from '../../bench/machine.js'
import { makeProblem, pickItems } from '../../bench/problem.js'
import { prove, relativeError, truthOf } from '../../bench/proof.js'
import { machineText } from '../../bench/report.js'
import type { CaseResult } from '../../bench/results.js'
import { summaryText } from '../../bench/summary.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-outside-'))
const environment = { ...process.env }
afterEach(() => {
  endWorkers()
  for (const name of ['PATH', 'PYTHONPATH']) {
    if (environment[name] === undefined) delete process.env[name]
    else process.env[name] = environment[name]
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

const base = { name: 'small', batch: 5, gpuBatch: 5, bias: true, layout: 'channels-last' } as const
const cases: readonly Case[] = [
  { ...base, group: 'S(6)', input: { 1: 2, 2: 3 }, output: { 0: 2, 2: 4 } },
  { ...base, group: 'S(4)', input: { 3: 2 }, output: { 3: 3 }, layout: 'channels-first' },
  { ...base, group: 'O(3)', input: { 0: 2, 1: 3, 2: 2 }, output: { 1: 4, 2: 3 } },
  { ...base, group: 'O(2)', input: { 4: 1 }, output: { 4: 2 } },
  { ...base, group: 'SO(3)', input: { 0: 1, 1: 2, 2: 3 }, output: { 0: 3, 1: 2, 2: 1 } },
  { ...base, group: 'SO(3)', input: { 2: 2 }, output: { 3: 3 }, layout: 'channels-first' },
  { ...base, group: 'Sp(4)', input: { 1: 1, 3: 2 }, output: { 1: 2, 3: 1 } },
  { ...base, group: 'Sp(2)', input: { 2: 2 }, output: { 4: 3 }, layout: 'channels-first' },
  // Nothing reaches the output.
  { ...base, group: 'O(3)', input: { 1: 2 }, output: { 2: 3 }, bias: false },
]

const runModel = `
const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const [root, folder] = process.argv.slice(2)
const ort = createRequire(root + '/bench/package.json')('onnxruntime-node')
const inputs = JSON.parse(readFileSync(folder + '/inputs.json', 'utf8'))
ort.InferenceSession.create(readFileSync(folder + '/layer.onnx')).then(async (session) => {
  const feeds = inputs.map(([name, dims, data]) => [name, new ort.Tensor('float32', Float32Array.from(data), dims)])
  const y = await session.run(Object.fromEntries(feeds))
  console.log(JSON.stringify(Object.fromEntries(Object.entries(y).map(([name, { data }]) => [name, [...data]]))))
})`

const named = (name: string): Contender => contenders.find((each) => each.name === name)!

async function proveAll(contender: Contender, some = cases): Promise<void> {
  for (const each of some) {
    const problem = makeProblem(each, 1)
    const verdict = await prove(contender, problem, truthOf(problem))
    expect({ case: `${each.group} ${each.layout}`, ...verdict }).toMatchObject({ error: expect.any(Number) })
    if ('prepared' in verdict) {
      expect(await verdict.prepared.time(2)).toBeGreaterThan(0)
      await verdict.prepared.close?.()
    }
  }
}

test('own contenders come first, and names are distinct', () => {
  expect(contenders).toEqual([...ownContenders, ...outsideContenders])
  expect(new Set(contenders.map(({ name }) => name)).size).toBe(contenders.length)
})

describe('proved on small layers of all groups', () => {
  const python = (name: string): boolean =>
    spawnSync('python3', ['-c', `import numpy, importlib.util as u; exit(u.find_spec('${name}') is None)`]).status === 0
  const node = (name: string): boolean => {
    try {
      return createRequire(join(process.cwd(), 'bench', 'package.json')).resolve(name) !== ''
    } catch {
      return false
    }
  }
  const has = {
    torch: python('torch'),
    jax: python('jax'),
    'onnxruntime-node': node('onnxruntime-node') && node('protobufjs'),
    '@tensorflow/tfjs-core': node('@tensorflow/tfjs-core') && node('@tensorflow/tfjs-backend-wasm'),
  }

  describe.each([
    ['torch-shared', 'torch', cases],
    ['torch-einsum', 'torch', cases],
    ['torch-dense', 'torch', cases.slice(0, 3)],
    ['jax-shared', 'jax', cases],
    ['jax-dense', 'jax', cases.slice(0, 3)],
    ['tfjs-shared', '@tensorflow/tfjs-core', cases],
  ] as const)('%s', (name, library, some) => {
    const title = has[library] ? 'is proved' : `is not: ${library} is not installed`
    ;(has[library] ? test : test.skip)(title, () => proveAll(named(name), some), 240_000)
  })

  // In a process of its own: to jest's modules the addon's arrays are strangers.
  const onnx = has['onnxruntime-node']
  const onnxTitle = onnx ? 'is proved' : 'is not: onnxruntime-node is not installed'
  ;(onnx ? test : test.skip)(`the model of onnx-shared ${onnxTitle}`, async () => {
    const protobuf = (await installed<Protobuf>('protobufjs')) as Protobuf
    const runner = join(folder, 'run.cjs')
    writeFileSync(runner, runModel)
    for (const each of cases) {
      const problem = makeProblem(each, 1)
      const graph = graphOf(problem, 0)
      const truth = truthOf(problem)
      writeFileSync(join(folder, 'layer.onnx'), onnxModel(graph, protobuf))
      const inputs = problem.inputs.map(({ order, shape }) => [
        `x${order}`,
        [each.batch, ...shape],
        [...problem.x[order]!],
      ])
      writeFileSync(join(folder, 'inputs.json'), JSON.stringify(inputs))
      const { stdout, stderr } = spawnSync(process.execPath, [runner, process.cwd(), folder], { encoding: 'utf8' })
      expect(stderr).toBe('')
      const y = JSON.parse(stdout) as Record<string, number[]>
      for (const { order, size } of problem.outputs) {
        const found = pickItems(Float32Array.from(y[`y${order}`]!), size, truth.items)
        expect(relativeError(found, truth.y[order]!)).toBeLessThan(2e-6)
      }
    }
  })

  const others = isaContenders()
  const title = others.length > 0 ? 'are proved' : 'are not: this machine has one only, or no addon'
  ;(others.length > 0 ? test : test.skip)(`other instruction sets ${title}`, async () => {
    for (const contender of others) await proveAll(contender)
  })
})

describe('a contender that is not installed says so', () => {
  const problem = makeProblem(cases[0]!, 1)

  test('without Python', async () => {
    process.env['PATH'] = folder
    expect(await named('torch-shared').prepare(problem)).toEqual({ skip: 'not installed: python3' })
  })

  test.each([
    ['torch-shared', 'torch'],
    ['jax-dense', 'jax'],
  ])('%s without %s', async (name, library) => {
    const path = join(folder, library)
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, `${library}.py`), `raise ImportError("No module named '${library}'")\n`)
    process.env['PYTHONPATH'] = [path, environment['PYTHONPATH']].filter(Boolean).join(delimiter)
    // Without any Python at all it is that which is missing.
    const python = spawnSync('python3', ['--version']).status === 0
    const skip = python ? `not installed: pip install ${library}` : 'not installed: python3'
    expect(await named(name).prepare(problem)).toEqual({ skip })
  })

  test('a package of bench/package.json', async () => {
    expect(await installed('brauer-no-such-package')).toEqual({ skip: 'not installed: npm install --prefix bench' })
  })
})

test('dense contenders sit out where the matrix passes 1 GiB', async () => {
  const large = makeProblem({ ...base, group: 'S(128)', input: { 2: 2 }, output: { 2: 2 }, batch: 1 }, 1)
  for (const name of ['cpu-dense', 'torch-dense', 'jax-dense']) {
    const prepared = await named(name).prepare(large)
    expect(isSkip(prepared) && prepared.skip).toBe('its matrix would have 4 GiB')
  }
})

test('the summary compares with the best outside contender of each case', () => {
  const row = (contender: string, median: number) => ({ contender, times: { median } })
  const cases = [
    { case: { name: 'one' }, rows: [row('cpu', 1), row('torch-shared', 2), row('jax-shared', 8), row('reference', 1)] },
    { case: { name: 'two' }, rows: [row('cpu', 4), row('torch-shared', 36), row('jax-shared', 2)] },
  ] as unknown as CaseResult[]
  expect(summaryText(cases).split('\n').at(-1)!.split(/ {2,}/)).toEqual([
    'the best outside one',
    '1.00',
    '2',
    'two 0.50',
  ])
})

test('the machine says what is installed and how Python is run', () => {
  const { outside, python } = describeMachine(1)
  for (const version of Object.values(outside!)) expect(version).toMatch(/^\d+\./)
  expect(Object.keys(python!)).toEqual(['MALLOC_MMAP_MAX_', 'MALLOC_TRIM_THRESHOLD_', 'MALLOC_TOP_PAD_'])
  const machine = { ...describeMachine(1), outside: { torch: '2.13.0' } }
  expect(machineText(machine, undefined)).toMatch(/^beside torch 2\.13\.0; Python with MALLOC_MMAP_MAX_=0 /m)
  expect(machineText({ ...machine, outside: {} }, undefined)).not.toMatch(/beside/)
})

describe('a worker', () => {
  const script = (text: string): Command => ({ program: process.execPath, args: ['-e', text], env: {} })
  /** Answers with the header it was sent and its arrays in reverse. */
  const echo = `
    const whole = []
    process.stdin.on('data', (chunk) => {
      whole.push(chunk)
      const all = Buffer.concat(whole)
      if (all.length < 8 || all.length < 8 + all.readUInt32LE(0) + 4 * all.readUInt32LE(4)) return
      process.stdout.write(all.subarray(0, 5))
      process.stdout.write(all.subarray(5))
      whole.length = 0
    })`
  const array = (...data: number[]) => ({ shape: [data.length], data: Float32Array.from(data) })

  test('gets a header and arrays, and answers with such', async () => {
    const child = new Child(script(echo))
    const large = { shape: [300_000], data: Float32Array.from({ length: 300_000 }, (_, i) => i) }
    const messages: Record<string, Shaped>[] = [{}, { a: array(1, 2), b: array() }, { large, c: array(-1) }]
    for (const arrays of messages) {
      const answer = await child.request({ what: 'ä' }, arrays, 20)
      expect(answer.header).toMatchObject({ what: 'ä' })
      const wanted = Object.entries(arrays).map(([name, { data }]) => [name, data])
      expect(Object.entries(answer.arrays)).toEqual(wanted)
    }
    child.kill()
    await expect(child.request({}, {}, 20)).rejects.toThrow(ContenderError)
  })

  test('that ends says why', async () => {
    const child = new Child(script(`console.error('first'); console.error('no more memory'); process.exit(3)`))
    await expect(child.receive(20)).rejects.toThrow(/ended with status 3: no more memory$/)
    expect(child.ended).toBe(true)
  })

  test('that is late is ended', async () => {
    const child = new Child(script('setInterval(() => 0, 1e6)'))
    await expect(child.receive(0.2)).rejects.toThrow(LateError)
    expect(child.ended).toBe(true)
  })

  test('that answers with an error fails', async () => {
    const child = new Child(script(echo))
    await expect(child.request({ error: 'TypeError: none' }, {}, 20)).rejects.toThrow('TypeError: none')
    expect(child.ended).toBe(false)
    child.kill()
  })
})
