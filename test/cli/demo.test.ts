import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { node, root, scratch } from './support.js'

interface Data {
  readonly molecules: { readonly symbols: string[]; readonly moments_of_inertia: number[] }[]
  readonly strength: number[]
  readonly degree: number[]
  readonly triangles: number[]
}

let folder: ReturnType<typeof scratch>
beforeEach(() => {
  folder = scratch()
  cpSync(join(root, 'examples'), folder.path, { recursive: true })
})
afterEach(() => folder.remove())

/** The demo on a copy of examples/ whose data has been changed. */
function demo(
  file?: string,
  change?: (data: Data) => unknown,
): { status: number | null; lines: string[]; stderr: string } {
  if (file !== undefined && change) {
    const path = join(folder.path, 'data', file)
    const data = JSON.parse(readFileSync(path, 'utf8')) as Data
    change(data)
    writeFileSync(path, JSON.stringify(data))
  }
  const { status, stdout, stderr } = node('scripts/demo.mjs', file === undefined ? [] : [folder.path])
  return { status, lines: stdout.trimEnd().split('\n'), stderr }
}

const failing = (lines: string[]): string[] => lines.filter((line) => line.startsWith('FAILS'))

describe('the demo', () => {
  test('shows both layers, their plans, the backend and the throughput, and every statement holds', () => {
    const { status, lines, stderr } = demo()
    expect([status, stderr, failing(lines)]).toEqual([0, '', []])
    expect(lines.filter((line) => line.startsWith('holds'))).toHaveLength(8)
    expect(lines.filter((line) => line.startsWith('$ brauer '))).toEqual([
      '$ brauer explain examples/inertia.safetensors',
      '$ brauer run examples/inertia.safetensors moments.npy -o inertia.npy',
      '$ brauer explain examples/graph.safetensors',
      '$ brauer run examples/graph.safetensors graph.npy -o counts.safetensors',
    ])
    for (const pattern of [
      /^ {2}strategy {2}\w+: /,
      /^ {2}backend {2}(cpu|reference) \(/,
      /^ {2}time .* items\/s, .* GB\/s$/,
    ]) {
      expect(lines.filter((line) => pattern.test(line))).toHaveLength(2)
    }
    expect(lines.length).toBeLessThan(90)
  })

  test.each<[string, string, (data: Data) => unknown, RegExp]>([
    [
      'a moment is off by 2e-6',
      'g2_molecules.json',
      ({ molecules }) => (molecules[0]!.moments_of_inertia[2]! *= 1 + 2e-6),
      /^FAILS {2}148 molecules: .* 2\.0e-6\)$/,
    ],
    [
      'an atom has a moment',
      'g2_molecules.json',
      ({ molecules }) => (molecules.find((molecule) => molecule.symbols.length === 1)!.moments_of_inertia[0] = 2e-6),
      /^FAILS {2}14 single atoms: /,
    ],
    [
      'a strength is off by one',
      'les_miserables.json',
      ({ strength }) => strength[3]!++,
      /^FAILS {2}strength of 77 nodes .* 1\.0e\+0\)$/,
    ],
    ['a degree is off by one', 'les_miserables.json', ({ degree }) => degree[76]!++, /^FAILS {2}degree of 77 nodes/],
    [
      'the triangles of a node are off by three',
      'les_miserables.json',
      ({ triangles }) => (triangles[20]! += 3),
      /^FAILS {2}(triangles of 77 nodes|number of triangles)/,
    ],
  ])('fails when %s', (_, file, change, pattern) => {
    const { status, lines } = demo(file, change)
    expect(status).toBe(1)
    expect(failing(lines).length).toBeGreaterThan(0)
    for (const line of failing(lines)) expect(line).toMatch(pattern)
  })

  test('the model files are what scripts/make-demo-data.mjs writes', () => {
    const { status, stderr } = node('scripts/make-demo-data.mjs', [folder.path])
    expect([status, stderr]).toEqual([0, ''])
    for (const name of ['inertia.safetensors', 'graph.safetensors']) {
      expect(readFileSync(join(folder.path, name)).equals(readFileSync(join(root, 'examples', name)))).toBe(true)
    }
  })

  test('the data is that of the tests', () => {
    for (const name of ['g2_molecules.json', 'les_miserables.json']) {
      const path = (directory: string): string => join(root, directory, name)
      expect(readFileSync(path('examples/data')).equals(readFileSync(path('test/fixtures')))).toBe(true)
    }
  })
})
