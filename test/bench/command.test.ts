import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { help } from '../../bench/help.js'
import type { Results } from '../../bench/results.js'
import { brauer, node, root, scratch } from '../cli/support.js'

const { path: folder, remove } = scratch()
afterAll(remove)

describe('brauer bench', () => {
  test('is among the commands, and has the help of the benchmark', () => {
    expect(brauer(['--help']).stdout).toMatch(/^ {2}bench +Times layers/m)
    expect(brauer(['bench', '--help'])).toEqual({ status: 0, stdout: `${help}\n`, stderr: '' })
  })

  test('measures a model file and saves what it measured', () => {
    const file = join(folder, 'results.json')
    const words = ['--model', join(root, 'examples', 'graph.safetensors'), '--batch', '4', '--quick', '--save', file]
    const { status, stdout, stderr } = brauer(['bench', ...words, '--contenders', 'reference', '--threads', '1'])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^graph {2}S\(/m)
    const { cases } = JSON.parse(readFileSync(file, 'utf8')) as Results
    expect(cases.map(({ case: { name, batch }, rows }) => [name, batch, rows.length])).toEqual([['graph', 1, 1]])
    expect(brauer(['bench', '--compare', file, file]).stdout).toMatch(
      /graph +reference .* 1\.00 .* the same within noise/,
    )
  })

  test('ends with status 2 and one line for a wrong command line', () => {
    const stderr = "brauer: bench: unknown option '--speed'; see brauer bench --help\n"
    expect(brauer(['bench', '--speed'])).toEqual({ status: 2, stdout: '', stderr })
  })
})

describe('where a part is missing', () => {
  /** A copy of the compiled package with links to the dependencies that it needs to run. */
  const install = (name: string, parts: readonly string[]): ReturnType<typeof node> => {
    const home = join(folder, name)
    mkdirSync(join(home, 'node_modules'), { recursive: true })
    for (const part of ['dist', 'package.json', ...parts])
      cpSync(join(root, part), join(home, part), { recursive: true })
    symlinkSync(join(root, 'node_modules', 'node-gyp-build'), join(home, 'node_modules', 'node-gyp-build'))
    const words = ['bench', '--case', 'matvec', '--html', join(folder, 'page.html')]
    return node(relative(root, join(home, 'dist', 'cli', 'main.js')), words, { cwd: home })
  }

  test('says so, of the benchmark', () => {
    const { status, stdout, stderr } = install('bare', [])
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^brauer: bench: expected the compiled benchmark in dist-bench\/, received none; .*\n$/)
  })

  test('says so, of the plotting library, before anything is measured', () => {
    const { status, stdout, stderr } = install('plain', ['dist-bench'])
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^brauer: bench: a page needs .*: npm install @observablehq\/plot linkedom\n$/)
  })
})
