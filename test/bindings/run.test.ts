import { execFileSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { cpu, cpuInfo } from '../../lib/backends/native.js'
import { own } from '../../lib/tensor/owned.js'
import { backendOf, compiled, inTurn, isCuda } from '../support/backends.js'
import { adding, scaling, slow, slowAnswer, slowOperands } from './stress/programs.mjs'

const isEverywhere = (data: Float32Array, value: number) => data.every((element) => element === value)

describe.each(inTurn(compiled, 0))('run (%s)', (name) => {
  const subject = backendOf(name)
  /** Items of a run that takes some tenths of a second, also where a GPU is emulated. */
  const [items, many] = isCuda(name) ? [1, 1] : [256, 1024]

  test('gives the answer of runSync, also with several at once', async () => {
    const executable = subject.load(adding(100), 'float32')
    const x = Float32Array.from({ length: 700 }, (_, i) => i / 8)
    const w = Float32Array.from({ length: 100 }, (_, i) => -i)
    const wanted = new Float32Array(700)
    executable.runSync(7, [x, w, wanted])
    expect(wanted[350]).toBe(350 / 8 - 50)
    const outputs = Array.from({ length: 20 }, () => new Float32Array(700))
    await Promise.all(outputs.map((y, i) => executable.run(7, [x, w, y], { threads: i % 3 })))
    for (const y of outputs) expect(y).toEqual(wanted)
  })

  const timed = isCuda(name) ? test.skip : test
  const reason = isCuda(name) ? ' (the time of an emulated GPU says nothing of a real one)' : ''
  timed(`leaves the event loop and the threads of files alone${reason}`, async () => {
    const executable = subject.load(slow(), 'float32')
    const controller = new AbortController()
    const { signal } = controller
    let running = 6
    const runs = Array.from({ length: running }, () =>
      executable.run(many, slowOperands(many), { signal }).finally(() => running--),
    )
    const outcome = Promise.allSettled(runs)
    let turns = 0
    for (; turns < 20 && running === 6; turns++) await readFile(fileURLToPath(import.meta.url))
    expect({ turns, running }).toEqual({ turns: 20, running: 6 })
    controller.abort()
    await outcome
  })

  test('reads foreign inputs before it returns and writes foreign outputs at the end', async () => {
    const executable = subject.load(slow(), 'float32')
    const [x, y] = slowOperands(items)
    const operands = [x, y]
    const run = executable.run(items, operands)
    x.fill(9)
    operands.length = 0
    operands.push(y, x)
    await sleep(10)
    expect(isEverywhere(y, 0)).toBe(true)
    await run
    expect(isEverywhere(y, slowAnswer)).toBe(true)
    expect(isEverywhere(x, 9)).toBe(true)
  })

  test('works in place on the memory of tensors', async () => {
    const executable = subject.load(slow(), 'float32')
    const [x, y] = slowOperands(items)
    for (const data of [x, y]) own(data.buffer as ArrayBuffer)
    await executable.run(items, [x, y])
    expect(isEverywhere(y, slowAnswer)).toBe(true)
  })

  test('keeps a program that is disposed of meanwhile', async () => {
    const executable = subject.load(slow(), 'float32')
    const [x, y] = slowOperands(items)
    const run = executable.run(items, [x, y])
    executable.dispose()
    await run
    expect(isEverywhere(y, slowAnswer)).toBe(true)
    await expect(executable.run(items, [x, y])).rejects.toMatchObject({ code: 'disposed' })
  })
})

describe.each(inTurn(compiled, 1))('a signal (%s)', (name) => {
  const subject = backendOf(name)

  test('that has fired stops everything before it starts, the checks included', async () => {
    const executable = subject.load(scaling(4), 'float32')
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    const aborted = { name: 'BrauerError', code: 'aborted', cause: reason }
    await expect(executable.run(-1, [], { signal })).rejects.toMatchObject(aborted)
    expect(() => executable.runSync(-1, [], { signal })).toThrow(expect.objectContaining(aborted))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  // A device hears of an abort between parts of a batch, and these are all of one.
  const aborting = isCuda(name) ? () => undefined : test
  aborting('ends runs within 50 ms, those that run and those that wait', async () => {
    const executable = subject.load(slow(), 'float32')
    const times: number[] = []
    for (let i = 0; i < 9; i++) {
      const controller = new AbortController()
      const reason = new Error('enough')
      const runs = Array.from({ length: 6 }, () =>
        executable.run(1024, slowOperands(1024), { signal: controller.signal }),
      )
      const outcome = Promise.allSettled(runs)
      await sleep(5 + 3 * i)
      const start = performance.now()
      controller.abort(reason)
      for (const run of await outcome)
        expect(run).toMatchObject({ status: 'rejected', reason: { code: 'aborted', cause: reason } })
      times.push(performance.now() - start)
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    }
    // The median: one late turn of a busy machine is not the backend's.
    expect(times.sort((a, b) => a - b)[4]).toBeLessThan(50)
  })

  test('that never fires is not listened to afterwards', async () => {
    const executable = subject.load(scaling(4), 'float32')
    const { signal } = new AbortController()
    const y = new Float32Array(4)
    const run = executable.run(1, [new Float32Array(4).fill(1), y], { signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await run
    expect(y).toEqual(new Float32Array(4).fill(2))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    await expect(executable.run(1, [], { signal })).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})

describe('the addon', () => {
  test('says what it found', () => {
    const info = cpuInfo()
    expect(info.threads).toBeGreaterThanOrEqual(1)
    expect(info.isas).toContainEqual({ name: info.isa, available: true })
    expect(info.isas).toContainEqual({ name: 'portable', available: true })
    expect(info.l2).toBeGreaterThan(0)
    expect(info.tileBytes).toBeGreaterThan(0)
    // A calibration of this machine may have found a BLAS, which is then part of the name.
    expect(cpu()).toMatchObject({ name: 'cpu', device: expect.stringMatching(/\S/) as unknown })
    expect(cpu().device.startsWith(info.cpu)).toBe(true)
    expect(cpu()).toBe(cpu())
  })

  const start = (environment: Record<string, string>) => {
    const native = new URL('../../dist/backends/native.js', import.meta.url).href
    const source = `import { cpu } from '${native}'
      for (let i = 0; i < 2; i++) try { console.log(cpu().name) } catch (error) { console.log(error.code + ' ' + error.message) }`
    const env = { ...process.env, ...environment }
    return execFileSync(process.execPath, ['--input-type=module', '-e', source], { env, encoding: 'utf8' })
      .trim()
      .split('\n')
  }

  test('gives its loader a voice where it is missing, each time', () => {
    const lines = start({ BRAUER_PREBUILD: fileURLToPath(new URL('.', import.meta.url)) })
    expect(lines[0]).toMatch(/^backend-unavailable backend cpu: No native build was found for platform=/)
    expect(lines.filter((line) => line === lines[0])).toHaveLength(2)
  })

  test.each(['BRAUER_CPU_ISA', 'BRAUER_NUM_THREADS'])('refuses a %s that cannot be met', (name) => {
    const lines = start({ [name]: 'none-such' })
    expect(lines[0]).toMatch(new RegExp(`^invalid-argument backend cpu: .*${name}`))
  })
})
