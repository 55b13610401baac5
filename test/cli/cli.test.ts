import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { linear, loadModel, O } from '../../lib/index.js'
import { brauer, root } from './support.js'

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const commands = ['info', 'explain', 'run', 'check']

describe('help', () => {
  test.each([['--help'], ['-h'], ['help']])('brauer %s lists the commands', (word) => {
    const { status, stdout, stderr } = brauer([word])
    expect([status, stderr]).toEqual([0, ''])
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  })

  test.each(commands)('brauer %s --help shows usage and flags, and does nothing else', (command) => {
    const { status, stdout, stderr } = brauer([command, '--help'])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(new RegExp(`^usage: brauer ${command}`))
    expect(stdout).toMatch(/^ {2}-h, --help {2,}/m)
  })

  test('brauer --version', () => {
    expect(brauer(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  })
})

describe('a wrong command line is one sentence and status 2', () => {
  test.each<[string[], string]>([
    [[], 'a command is missing; see brauer --help'],
    [['rum'], 'there is no command "rum"; see brauer --help'],
    [['--frobnicate'], 'there is no command "--frobnicate"; see brauer --help'],
    [['info', '--frobnicate'], "info: unknown option '--frobnicate'; see brauer info --help"],
    [['info', '-x'], "info: unknown option '-x'; see brauer info --help"],
    [['info', 'all'], 'info: "all" is one argument too many; see brauer info --help'],
    [['run'], 'run: a model file and an input file are needed; see brauer run --help'],
    [['run', 'a', 'b'], 'run: -o OUTPUT is missing; see brauer run --help'],
    [['run', 'a', 'b', 'c', '-o', 'd'], 'run: "c" is one argument too many; see brauer run --help'],
    [['run', 'a', 'b', '-o'], "run: option '-o, --output <value>' argument missing; see brauer run --help"],
    [['explain'], 'explain: a model file or a group is missing; see brauer explain --help'],
    [['explain', 'O(3)'], 'explain: O(3) needs --in and --out; see brauer explain --help'],
    [['explain', 'O(3)', '--in', '1:1'], 'explain: O(3) needs --in and --out; see brauer explain --help'],
    [['check', 'a', '--bias'], 'check: --bias goes with a group, a model file has its own; see brauer check --help'],
    [
      ['check', 'O(3)', '--in', '1:x', '--out', '1:1'],
      '--in takes order:channels, several joined by commas, such as 1:8,2:8, not "1:x"; see brauer check --help',
    ],
    [['check', 'O(3)', '--in', '1:1,1:2', '--out', '1:1'], '--in names order 1 twice; see brauer check --help'],
    [
      ['check', 'O(3)', '--in', '1:1', '--out', '1:1', '--trials', 'x'],
      '--trials takes a number, not "x"; see brauer check --help',
    ],
    [
      ['check', 'package.json', '--in', '1:1', '--out', '1:1'],
      'check: --in and --out go with a group, and "package.json" is a file; see brauer check --help',
    ],
  ])('brauer %j', (words, message) => {
    expect(brauer(words)).toEqual({ status: 2, stdout: '', stderr: `brauer: ${message}\n` })
  })
})

describe('an error is one sentence without a stack, and status 1', () => {
  const one = ['--in', '1:1', '--out', '1:1']
  test.each<[string[], string]>([
    [
      ['explain', 'nothing.safetensors'],
      'nothing.safetensors: expected a file that can be read, received no such file or directory',
    ],
    [['explain', 'lib'], 'lib: expected a file that can be read, received illegal operation on a directory'],
    [['explain', 'package.json'], 'safetensors: header: expected at most 100000000 bytes, received a length of'],
    [['explain', 'Sp(3)', ...one], 'Sp(n): expected n to be even, received 3'],
    [['explain', 'U(3)', ...one], 'expected S(n), O(n), SO(n) or Sp(n)'],
    [['explain', 'O(3)', ...one, '--backend', 'cuda'], 'backend cuda: expected a'],
    [['explain', 'O(3)', ...one, '--dtype', 'int8'], 'linear: option dtype: expected one of float32, float64'],
    [
      ['explain', 'O(3)', ...one, '--basis', 'all'],
      'linear: option basis: expected independent or spanning, received "all"',
    ],
    [
      ['check', 'O(3)', ...one, '--threads', '0'],
      'linear: option threads: expected an integer from 1 to 4096, received 0',
    ],
    [['check', 'O(3)', ...one, '--trials', '0'], 'check: trials: expected an integer of at least 1, received 0'],
    [['check', 'O(3)', '--in', '1:0', '--out', '1:1'], 'linear: input space, order 1: expected an integer from 1'],
  ])('brauer %j', (words, message) => {
    const { status, stdout, stderr } = brauer(words)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`brauer: `)
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('--debug adds the stack', () => {
    const { status, stderr } = brauer(['explain', 'Sp(3)', ...one, '--debug'])
    expect(status).toBe(1)
    expect(stderr).toMatch(/^brauer: Sp\(n\): .*\n.*BrauerError: Sp\(n\).*\n\s+at /)
  })
})

describe('brauer info', () => {
  test('version, processor, threads and every backend', () => {
    const { status, stdout } = brauer(['info'])
    expect(status).toBe(0)
    expect(stdout).toMatch(
      new RegExp(`^brauer +${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}$`, 'm'),
    )
    expect(stdout).toMatch(/^cpu {2,}\S/m)
    expect(stdout).toMatch(/^backends +cuda: not available: expected .+, received /m)
    expect(stdout).toMatch(/^ +cpu: (available|not available: )/m)
    expect(stdout).toMatch(/^ +reference: available \(javascript\)$/m)
    expect(stdout).toMatch(/^auto +(cpu|reference): /m)
  })

  test('says when the environment chose', () => {
    const { stdout } = brauer(['info'], { env: { BRAUER_BACKEND: 'reference' } })
    expect(stdout).toMatch(/^auto +reference: asked for by BRAUER_BACKEND$/m)
  })

  test('a backend that the environment makes impossible is named with its reason', () => {
    const { status, stdout } = brauer(['info'], { env: { BRAUER_CPU_ISA: 'mmx' } })
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ +cpu: not available: .+$/m)
  })
})

describe('brauer explain prints what the library returns', () => {
  test('of a group and flags', () => {
    const layer = linear(O(3), { 1: 8, 2: 8 }, { 0: 16, 2: 8 }, { bias: true, dtype: 'float64', expectedBatch: 4 })
    const words = ['explain', 'O(3)', '--in', '1:8,2:8', '--out', '0:16,2:8', '--bias']
    const { status, stdout } = brauer([...words, '--dtype', 'float64', '--expected-batch', '4'])
    expect([status, stdout]).toEqual([0, `${layer.explain()}\n`])
  })

  test('of a model file, with totals and instructions', () => {
    const layer = loadModel(readFileSync(join(root, 'examples', 'graph.safetensors')), { backend: 'reference' })
    const words = ['explain', 'examples/graph.safetensors', '--batch', '8', '--program', '--backend', 'reference']
    expect(brauer(words).stdout).toBe(`${layer.explain({ batch: 8, program: true })}\n`)
  })
})

describe('brauer check', () => {
  test('holds for a layer from flags', () => {
    const { status, stdout } = brauer([
      'check',
      'Sp(4)',
      '--in',
      '1:2,2:1',
      '--out',
      '1:1,3:2',
      '--bias',
      '--trials',
      '3',
    ])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Sp\(4\), 3 random elements, float64, backend /)
    expect(stdout.match(/^holds {2}/gm)).toHaveLength(4)
  })

  test('holds for a model file', () => {
    const { status, stdout } = brauer(['check', 'examples/inertia.safetensors', '--seed', '5'])
    expect(status).toBe(0)
    expect(stdout.match(/^holds {2}/gm)).toHaveLength(3)
  })

  test('status 1 and the rows when an error is past the tolerance', () => {
    const { status, stdout, stderr } = brauer(['check', 'O(3)', '--in', '2:2', '--out', '0:2,2:2', '--tolerance', '0'])
    expect([status, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(/^FAILS {2}f\(gx\) = g f\(x\), order 2 +\d\.\de-1\d$/m)
  })
})
