import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from '@jest/globals'

// The heap is counted by a preloaded library, which glibc alone takes in this form.
const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
const onGlibc = report.header.glibcVersionRuntime === undefined ? test.skip : test

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'brauer-allocations-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Allocations of a process that makes some calls of the small layer `matvec`. */
function allocations(library: string, calls: number): number {
  const code = `
    import { linear, O, tensor } from ${JSON.stringify(join(root, 'dist', 'index.js'))}
    const layer = linear(O(5), { 3: 1 }, { 3: 1 }, { backend: 'cpu', expectedBatch: 1 })
    const x = { 3: tensor(new Float32Array(125).fill(1), [1, 5, 5, 5, 1]) }
    const options = { out: { 3: tensor(new Float32Array(125), [1, 5, 5, 5, 1]) } }
    for (let i = 0; i < ${calls}; i++) layer.forwardSync(x, options)`
  const { stderr } = spawnSync(process.execPath, ['--single-threaded-gc', '--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...process.env, LD_PRELOAD: library },
  })
  const count = /allocations (\d+)/.exec(stderr)?.[1]
  if (count === undefined) throw new Error(`expected a count, received ${stderr}`)
  return Number(count)
}

onGlibc('forwardSync of matvec with a preallocated output takes nothing from the heap', () => {
  const library = join(folder, 'count.so')
  const compiled = spawnSync('cc', [
    '-O2',
    '-shared',
    '-fPIC',
    join(root, 'test/bindings/count-allocations.c'),
    '-o',
    library,
  ])
  expect(compiled.status).toBe(0)
  const [few, many] = [allocations(library, 20_000), allocations(library, 70_000)]
  expect(few).toBeGreaterThan(1000)
  // The engine itself takes some for compiling and collecting; one allocation in each call would be 50,000.
  expect(many - few).toBeLessThan(5_000)
})
