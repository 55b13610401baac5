import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { BrauerError, linear, groupFrom, saveModel } from '../../dist/index.js'
import { quick, suite } from '../../bench/cases.js'
import { UsageError } from '../../bench/chosen.js'
import { contenders } from '../../bench/contenders/index.js'
import { readFlags, type Measurement } from '../../bench/flags.js'
import { sweeps } from '../../bench/growth/sweeps.js'
import { help } from '../../bench/help.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-flags-'))
afterAll(() => rmSync(folder, { recursive: true }))

const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name)
const measurement = (...words: string[]) => readFlags(words) as Measurement & { action: string }

describe('what is measured', () => {
  test('the suite by every contender', () => {
    expect(measurement()).toEqual({
      action: 'measure',
      cases: suite,
      contenders,
      sweeps: [],
      sweepContenders: contenders.filter(({ name }) => name === 'cpu'),
      quick: false,
      threads: undefined,
      save: undefined,
      html: undefined,
      picture: undefined,
    })
  })

  test('named cases and contenders, in the order of the suite', () => {
    const request = measurement('--case', 's4,s3', '--case', 'matvec', '--contenders', 'reference, cpu', '--quick', '--threads', '3') // prettier-ignore
    expect(names(request.cases)).toEqual(['s3', 's4', 'matvec'])
    expect(request.cases[0]).toEqual(quick(suite[3]!))
    expect([names(request.contenders), request.quick, request.threads]).toEqual([['cpu', 'reference'], true, 3])
  })

  test('growth: without the suite, by cpu alone, unless asked for', () => {
    const all = measurement('--growth')
    expect([names(all.cases), names(all.sweeps), names(all.sweepContenders)]).toEqual([[], names(sweeps), ['cpu']])
    const some = measurement('--growth', 'batch,n', 'order', '--case', 'all', '--contenders', 'cpu-dense,reference')
    expect(names(some.sweeps)).toEqual(['n', 'order', 'batch'])
    expect(some.cases).toEqual(suite)
    expect(names(some.sweepContenders)).toEqual(['cpu-dense', 'reference'])
  })

  test('a layer of the command line', () => {
    const words = '--group S(4) --in 1:3,2:2 --out 0:5 --batch 3 --layout channels-first --bias'.split(' ')
    const own = { group: 'S(4)', input: { 1: 3, 2: 2 }, output: { 0: 5 }, bias: true, layout: 'channels-first' }
    expect(measurement(...words).cases).toEqual([{ name: 'own', ...own, batch: 3, gpuBatch: 3 }])
  })

  test('the layer of a model file', () => {
    const path = join(folder, 'jets.safetensors')
    const options = { bias: true, layout: 'channels-first', dtype: 'float64' } as const
    writeFileSync(path, saveModel(linear(groupFrom('SO(3)'), { 1: 3, 2: 2 }, { 0: 5 }, options)))
    const layer = { group: 'SO(3)', input: { 1: 3, 2: 2 }, output: { 0: 5 }, bias: true, layout: 'channels-first' }
    const [given, ...more] = measurement('--model', path, '--batch', '12').cases
    expect([given, more]).toEqual([{ name: 'jets', ...layer, batch: 12, gpuBatch: 12 }, []])
    expect(measurement('--model', path).cases[0]!.batch).toBe(256)
  })

  test('a model file that is no case says why', () => {
    const path = join(folder, 'mean.safetensors')
    writeFileSync(path, saveModel(linear(groupFrom('S(3)'), { 1: 1 }, { 1: 1 }, { normalize: 'mean' })))
    const refused = (name: string) => () => readFlags(['--model', join(folder, name)])
    expect(refused('mean.safetensors')).toThrow(/mean\.safetensors: expected basis independent and normalize sum, received independent and mean/) // prettier-ignore
    expect(refused('absent.safetensors')).toThrow(/absent\.safetensors: expected a file that can be read/)
    expect(refused('absent.safetensors')).toThrow(BrauerError)
  })
})

test('training: of o3-2, or of the layers that are named', () => {
  expect([measurement('--training').action, names(measurement('--training').cases)]).toEqual(['training', ['o3-2']])
  expect(names(measurement('--training', '--case', 's4,o3-4').cases)).toEqual(['s4', 'o3-4'])
  expect(measurement('--training', '--quick').cases[0]!.batch).toBe(1024)
})

test('what is only shown', () => {
  expect(readFlags(['--from', 'a', '--from', 'b', '--html', 'c'])).toEqual({
    action: 'show',
    from: ['a', 'b'],
    save: undefined,
    html: 'c',
    picture: undefined,
  })
  const compare = { action: 'compare', files: ['a', 'b'] }
  expect(readFlags(['--compare', 'a', 'b'])).toEqual({ ...compare, failSlower: undefined })
  expect(readFlags(['--compare', 'a', 'b', '--fail-slower', '2.5'])).toEqual({ ...compare, failSlower: 2.5 })
})

test.each<[string, RegExp]>([
  ['--case nothing', /^--case: expected some of s1-set, .*, received "nothing"$/],
  ['--contenders cpu,gpu', /^--contenders: expected some of cpu, .*, received "gpu"$/],
  ['--growth widths', /^--growth: expected some of n, order, .*, received "widths"$/],
  ['--threads 0', /^--threads: expected an integer of at least 1, received "0"$/],
  ['--group O(3) --in 2:1', /^a layer of your own needs --group, --in and --out$/],
  ['--group O(3) --in 2 --out 2:1', /^--in: expected order:channels/],
  ['--group O(3) --in 2:1 --out 2:1 --layout first', /^--layout: expected channels-last or channels-first/],
  ['--group O(3) --in 2:1 --out 2:1 --batch 1e3', /^--batch: expected an integer of at least 1, received "1e3"$/],
  ['--group O(3) --in 2:1 --out 2:1 --case s4', /^--case and --group each say what is measured: give one of them$/],
  ['--bias --model a', /^--group and --model each say what is measured/],
  ['--batch 3', /^--batch goes with --group or --model$/],
  ['--speed', /^unknown option '--speed'$/],
  ['--json a', /^unknown option '--json'$/],
  ['--save', /^option '--save <value>' argument missing$/],
  ['results.json', /^"results\.json" is one argument too many$/],
  ['--compare a', /^--compare: expected two files, received 1$/],
  ['--compare a b c', /^--compare: expected two files, received 3$/],
  ['--compare a b --quick', /^--compare: --quick does not go with it$/],
  ['--compare a b --fail-slower some', /^--fail-slower: expected a percentage such as 5, received "some"$/],
  ['--fail-slower 5', /^--fail-slower goes with --compare$/],
  ['--from a', /^--from: expected --html, --picture or --save with it$/],
  ['--from a --html b --case s4', /^--from: --case does not go with it$/],
  ['--training --growth', /^--training: --growth does not go with it$/],
  ['--overhead --html a', /^--overhead: --html does not go with it$/],
])('%s is refused in one line', (line, message) => {
  expect(() => readFlags(line.split(' '))).toThrow(message)
  expect(() => readFlags(line.split(' '))).toThrow(UsageError)
})

test('every flag is in the help, and the help names no other', () => {
  const named = new Set([...help.matchAll(/--([a-z-]+)/g)].map(([, name]) => name!))
  const known = (name: string): boolean => {
    try {
      readFlags([`--${name}`])
    } catch (error) {
      return !(error as Error).message.startsWith('unknown option')
    }
    return true
  }
  expect([...named].filter((name) => !known(name))).toEqual([])
  for (const name of ['growth', 'save', 'html', 'picture', 'from', 'compare', 'fail-slower', 'model', 'overhead', 'training', 'list']) expect(named).toContain(name) // prettier-ignore
})
