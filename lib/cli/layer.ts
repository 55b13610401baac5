import { existsSync, readFileSync } from 'node:fs'
import { expected, show } from '../errors.js'
import { groupFrom } from '../groups/index.js'
import { linear, type Linear } from '../layers/linear.js'
import type { LinearOptions } from '../layers/options.js'
import { loadModel } from '../layers/model.js'
import { loadNetwork } from '../networks/model.js'
import type { Module } from '../networks/module.js'
import { type Arguments, type Flag, UsageError } from './command.js'

/** Flags that concern how a layer runs; they go with a model file too. */
export const runFlags: Readonly<Record<string, Flag>> = {
  backend: { value: 'NAME', help: 'auto (default), cpu or reference; a named one that cannot run is an error' },
  threads: { value: 'N', help: 'number of threads at most' },
}

/** Flags that make a layer. */
export const layerFlags: Readonly<Record<string, Flag>> = {
  in: { value: 'SPACE', help: 'input space as order:channels, e.g. 1:8,2:8' },
  out: { value: 'SPACE', help: 'output space, e.g. 0:16,2:8' },
  bias: { help: 'with a bias' },
  dtype: { value: 'TYPE', help: 'float32 (default), float64, float16 or bfloat16' },
  basis: { value: 'NAME', help: 'independent (default) or spanning' },
  normalize: { value: 'NAME', help: 'sum (default) or mean' },
  layout: { value: 'NAME', help: 'channels-last (default) or channels-first' },
  'expected-batch': { value: 'N', help: 'the batch that the plan is chosen for, 256 when left out' },
  seed: { value: 'N', help: 'of the initial weights, 0 when left out' },
}

/** The layer that a command line names: a model file, or a group with the flags of a layer.
 *  @throws UsageError, BrauerError */
export const openLayer = (given: Arguments, what: string): Linear => open(given, what, openModel)

/** The layer or network that a command line names. @throws UsageError, BrauerError */
export const openModule = (given: Arguments, what: string): Module => open<Module>(given, what, openNetwork)

function open<T>(
  { flags, rest }: Arguments,
  what: string,
  openFile: (path: string, flags: Arguments['flags']) => T,
): Linear | T {
  const [name, ...more] = rest
  if (name === undefined) throw new UsageError(`${what}: a model file or a group is missing`)
  if (more.length > 0) throw new UsageError(`${what}: ${show(more[0])} is one argument too many`)
  if (flags['in'] === undefined && flags['out'] === undefined && !/^\w+\(.*\)/.test(name)) {
    const extra = Object.keys(layerFlags).find((flag) => flags[flag] !== undefined)
    if (extra !== undefined) throw new UsageError(`${what}: --${extra} goes with a group, a model file has its own`)
    return openFile(name, flags)
  }
  if (existsSync(name)) throw new UsageError(`${what}: --in and --out go with a group, and ${show(name)} is a file`)
  if (flags['in'] === undefined || flags['out'] === undefined)
    throw new UsageError(`${what}: ${name} needs --in and --out`)
  return linear(groupFrom(name), parseSpace(flags['in'], '--in'), parseSpace(flags['out'], '--out'), {
    ...optionsFrom(flags),
    ...(flags['bias'] === true ? { bias: true } : {}),
  })
}

/** @throws BrauerError `invalid-file` */
export function openModel(path: string, flags: Arguments['flags']): Linear {
  return loadModel(readFile(path), optionsFrom(flags))
}

/** @throws BrauerError `invalid-file` */
export function openNetwork(path: string, flags: Arguments['flags']): Module {
  return loadNetwork(readFile(path), optionsFrom(flags))
}

/** @throws BrauerError `invalid-file` with the system's reason */
export function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw expected('invalid-file', path, 'a file that can be read', reasonOf(error))
  }
}

/** 'ENOENT: no such file or directory, open …' -> 'no such file or directory'. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return /^[A-Z0-9_]+: (.*?)(?:, \w+.*)?$/.exec(message)?.[1] ?? message
}

/** The flags of a layer as options; their values are checked by the library. */
function optionsFrom(flags: Arguments['flags']): LinearOptions {
  const options: Record<string, unknown> = {}
  for (const name of ['dtype', 'basis', 'normalize', 'layout', 'backend']) {
    if (flags[name] !== undefined) options[name] = flags[name]
  }
  for (const [flag, option] of [
    ['threads', 'threads'],
    ['expected-batch', 'expectedBatch'],
    ['seed', 'seed'],
  ] as const) {
    if (flags[flag] !== undefined) options[option] = numberFlag(flags, flag)
  }
  return options as LinearOptions
}

/** @throws UsageError unless the flag's value is a number */
export function numberFlag(flags: Arguments['flags'], name: string): number | undefined {
  const text = flags[name]
  if (text === undefined) return undefined
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : NaN
  if (Number.isNaN(value)) throw new UsageError(`--${name} takes a number, not ${show(text)}`)
  return value
}

/** '1:8,2:8' -> { 1: 8, 2: 8 }. */
function parseSpace(text: string | boolean, flag: string): Record<string, number> {
  const space: Record<string, number> = {}
  for (const item of String(text).split(',')) {
    const [, order, channels] = /^\s*(\w*)\s*:\s*(\d+)\s*$/.exec(item) ?? []
    if (order === undefined || channels === undefined) {
      throw new UsageError(`${flag} takes order:channels, several joined by commas, such as 1:8,2:8, not ${show(text)}`)
    }
    if (Object.hasOwn(space, order)) throw new UsageError(`${flag} names order ${order} twice`)
    space[order] = Number(channels)
  }
  return space
}
