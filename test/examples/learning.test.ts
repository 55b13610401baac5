import { spawnSync } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'
import { compare, perceptron, report, weightsOf, type Row } from '../../examples/learning/compare.js'
import { inertia } from '../../examples/learning/inertia.js'
import { o5 } from '../../examples/learning/o5.js'
import { plot } from '../../examples/learning/plot.js'
import { random } from '../../examples/learning/random.js'
import { augment, standardise } from '../../examples/learning/samples.js'
import type { Samples, Task } from '../../examples/learning/task.js'
import { triangles } from '../../examples/learning/triangles.js'

const tasks = [inertia, o5, triangles]
const settings = { items: [100], unseen: 200, steps: 400 }

/** The largest difference of two sides of samples. */
function difference(a: Samples['x'], b: Samples['x']): number {
  return Math.max(...Object.keys(a).map((order) => Math.max(...a[order]!.map((v, i) => Math.abs(v - b[order]![i]!)))))
}

/** The targets of a task by another way than its own. */
const laws: Record<string, (x: Samples['x'], item: number) => number[]> = {
  inertia: (x, item) => {
    const r = (i: number, p: number): number => x['1']![(item * 3 + i) * 5 + p]!
    const [axes, all] = [[0, 1, 2], [0, 1, 2, 3, 4]] // prettier-ignore
    // T of T_ij = Σ m r_i r_j has the inertia tr(T) 1 − T.
    const second = (i: number, j: number): number =>
      all.reduce((sum, p) => sum + x['0']![item * 5 + p]! * r(i, p) * r(j, p), 0)
    const trace = axes.reduce((sum, i) => sum + second(i, i), 0)
    return axes.flatMap((i) => axes.map((j) => (i === j ? trace : 0) - second(i, j)))
  },
  o5: (x, item) => {
    const vector = (c: number): number[] => [0, 1, 2, 3, 4].map((i) => x['1']![(item * 5 + i) * 2 + c]!)
    const [a, b] = [vector(0), vector(1)]
    const cosine = a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b))
    return [Math.sin(Math.hypot(...a)) - Math.hypot(...b) ** 3 / 2 + cosine]
  },
  triangles: (x, item) => {
    const n = 8
    const a = x['2']!.subarray(item * n * n, (item + 1) * n * n)
    const times = (p: Float64Array, q: Float64Array): Float64Array =>
      p.map((_, at) => q.reduce((sum, value, other) => sum + (other % n === at % n ? p[n * Math.floor(at / n) + Math.floor(other / n)]! * value : 0), 0)) // prettier-ignore
    const cube = times(times(a, a), a)
    return Array.from({ length: n }, (_, i) => cube[i * n + i]! / 2)
  },
}

/** What the law gives for samples, compared with their targets. */
function lawError({ name, shapes }: Task, { count, x, y }: Samples): number {
  const order = Object.keys(shapes.y)[0]!
  const found = Float64Array.from(Array.from({ length: count }, (_, item) => laws[name]!(x, item)).flat())
  return difference({ [order]: found }, y)
}

describe.each(tasks)('the task $name', (task) => {
  const samples = task.draw(20, random(5))

  test('has targets that follow its law, under group elements too', () => {
    expect(lawError(task, samples)).toBeLessThan(1e-9)
    const turned = augment(task, samples, 3)
    expect(turned.count).toBe(60)
    expect(lawError(task, turned)).toBeLessThan(1e-9)
    expect(difference(turned.x, augment(task, samples, 3).x)).toBe(0)
  })

  test('keeps its symmetry when targets are standardised', () => {
    const scaled = standardise(task, samples)
    const values = Object.values(scaled.y).flatMap((data) => [...data])
    expect(values.reduce((sum, value) => sum + value * value, 0) / values.length).toBeCloseTo(1, 9)
    expect(difference(standardise(task, augment(task, samples, 3)).y, augment(task, scaled, 3).y)).toBeLessThan(1e-9)
  })

  test('sets a plain network of the same size beside its own', () => {
    const wanted = weightsOf(task.network())
    expect(Math.abs(weightsOf(perceptron(task)) - wanted) / wanted).toBeLessThan(0.05)
  })
})

test('the equivariant network wins after a short training already', async () => {
  const table = await compare(o5, settings)
  expect(table).toHaveLength(1)
  const [row] = table as [Row]
  expect(row.equivariant).toBeLessThan(Math.min(row.plain, row.augmented) / 2)
  const text = report(o5, table)
  expect(text).toContain(`100          ${row.equivariant.toPrecision(2)}`)
  const svg = plot(o5.about, [row, { ...row, items: 300 }])
  expect(svg.match(/<circle /g)).toHaveLength(6)
  for (const name of ['equivariant', 'plain', 'plain, augmented']) expect(svg).toContain(`>${name}</text>`)
})

test('a task that is none is named', () => {
  const script = new URL('../../dist-examples/learning/run.js', import.meta.url).pathname
  const run = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  expect(run('spheres')).toMatchObject({ status: 2, stdout: '' })
  expect(run('spheres').stderr).toContain('Expected one of inertia, o5, triangles, received spheres')
  expect(run().stderr).toContain('received nothing')
})
