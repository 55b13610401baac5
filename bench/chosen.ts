import { basename } from 'node:path'
import { openModel } from '../dist/cli/layer.js'
import { expected } from '../dist/errors.js'
import { suite, type Case } from './cases.js'

/** The flags that say which layers are measured. */
interface Flags {
  readonly case?: readonly string[] | undefined
  readonly group?: string | undefined
  readonly in?: string | undefined
  readonly out?: string | undefined
  readonly bias?: boolean | undefined
  readonly layout?: string | undefined
  readonly model?: string | undefined
  readonly batch?: string | undefined
  readonly growth?: boolean | undefined
}

/** A command line that is wrong in itself. */
export class UsageError extends Error {}

/** Cases of the suite, or one of the user's own. @throws UsageError; BrauerError for a model file */
export function casesOf(flags: Flags): readonly Case[] {
  const ways = [
    ['case', flags.case !== undefined],
    ['group', ['group', 'in', 'out', 'bias', 'layout'].some((name) => name in flags)],
    ['model', flags.model !== undefined],
  ] as const
  const [way, second] = ways.flatMap(([name, given]) => (given ? [name] : []))
  if (second !== undefined) throw new UsageError(`--${way} and --${second} each say what is measured: give one of them`)
  if (way === 'group') return [ownCase(flags)]
  if (way === 'model') return [modelCase(flags.model!, batchOf(flags))]
  if (flags.batch !== undefined) throw new UsageError('--batch goes with --group or --model')
  if (way === undefined) return flags.growth ? [] : suite
  return flags.case!.some((text) => text.trim() === 'all') ? suite : pick('case', flags.case, suite)
}

/** The named ones of all, in the order of all; all of them where nothing is named. @throws UsageError */
export function pick<T extends { readonly name: string }>(
  flag: string,
  given: readonly string[] | undefined,
  all: readonly T[],
): readonly T[] {
  if (!given) return all
  const names = given.flatMap((text) => text.split(',')).map((name) => name.trim())
  const unknown = names.find((name) => !all.some((each) => each.name === name))
  if (unknown !== undefined)
    throw new UsageError(
      `--${flag}: expected some of ${all.map(({ name }) => name).join(', ')}, received ${show(unknown)}`,
    )
  return all.filter(({ name }) => names.includes(name))
}

function ownCase(flags: Flags): Case {
  const { group, in: input, out: output, layout = 'channels-last' } = flags
  if (group === undefined || input === undefined || output === undefined)
    throw new UsageError('a layer of your own needs --group, --in and --out')
  if (layout !== 'channels-last' && layout !== 'channels-first')
    throw new UsageError(`--layout: expected channels-last or channels-first, received ${show(layout)}`)
  const batch = batchOf(flags)
  const spaces = { input: space('in', input), output: space('out', output) }
  return { name: 'own', group, ...spaces, batch, gpuBatch: batch, bias: flags.bias ?? false, layout }
}

/** The layer of a model file as a case: its group, spaces, bias and layout. Weights are random, as in every case, and arithmetic is
 *  in float32.
 *  @throws BrauerError `invalid-file`; `invalid-argument` for a layer that is no case */
function modelCase(path: string, batch: number): Case {
  const { group, input, output, options } = openModel(path, {})
  const { bias, layout, basis, normalize } = options
  if (basis !== 'independent' || normalize !== 'sum')
    throw expected('invalid-argument', path, 'basis independent and normalize sum', `${basis} and ${normalize}`)
  const name = basename(path).replace(/\.safetensors$/, '')
  return { name, group: group.toString(), input, output, batch, gpuBatch: batch, bias, layout }
}

/** '1:8,2:8' -> { 1: 8, 2: 8 }; orders and channel counts are checked by the library. */
function space(flag: string, text: string): Record<string, number> {
  const entries = text.split(',').map((item): [string, number] => {
    const [, order, channels] = /^\s*(\w*)\s*:\s*(\d+)\s*$/.exec(item) ?? []
    if (order === undefined)
      throw new UsageError(`--${flag}: expected order:channels, several joined by commas, received ${show(text)}`)
    return [order, Number(channels)]
  })
  return Object.fromEntries(entries)
}

const batchOf = (flags: Flags): number => count('batch', flags.batch ?? '256')
export const show = (text: string): string => JSON.stringify(text)

/** @throws UsageError */
export function count(flag: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`--${flag}: expected an integer of at least 1, received ${show(text)}`)
  return value
}
