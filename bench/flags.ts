import { parseArgs } from 'node:util'
import { quick, suite, type Case } from './cases.js'
import { contenders } from './contenders/index.js'
import type { Contender } from './contenders/contender.js'

/** What the command line asks for. */
export interface Request {
  readonly action: 'measure' | 'overhead' | 'list' | 'help'
  readonly cases: readonly Case[]
  readonly contenders: readonly Contender[]
  readonly quick: boolean
  /** Of every contender and of the roofline; the process's default when left out. */
  readonly threads: number | undefined
  /** Where the results go as JSON. */
  readonly json: string | undefined
}

/** A command line that is wrong in itself. */
export class UsageError extends Error {}

const options = {
  case: { type: 'string', multiple: true },
  contenders: { type: 'string', multiple: true },
  quick: { type: 'boolean' },
  threads: { type: 'string' },
  json: { type: 'string' },
  list: { type: 'boolean' },
  overhead: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  group: { type: 'string' },
  in: { type: 'string' },
  out: { type: 'string' },
  batch: { type: 'string' },
  bias: { type: 'boolean' },
  layout: { type: 'string' },
} as const

export const help = `usage: npm run bench -- [FLAGS]

Times layers in every way that this machine can compute them, against the roofline measured in the same run. Every
contender proves its answer before it is timed.

  --list                what can be measured
  --case NAMES          only these cases, joined by commas
  --contenders NAMES    only these contenders, joined by commas
  --quick               a sixteenth of the batch and fewer rounds
  --threads N           for every contender and for the roofline
  --json FILE           writes everything that was measured
  --overhead            what a call costs beyond the work of its program
  --help                this text

A layer of your own instead of the suite:
  --group 'O(3)' --in 2:64 --out 2:64 --batch 1024 [--bias] [--layout channels-first]`

/** @throws UsageError */
export function readFlags(words: readonly string[]): Request {
  const flags = parse(words)
  const own = ['group', 'in', 'out', 'batch', 'bias', 'layout'].some((name) => name in flags)
  if (own && flags.case)
    throw new UsageError('--case names a case of the suite; --group and its flags describe another')
  const cases = own ? [ownCase(flags)] : pick('case', flags.case, suite)
  return {
    action: flags.help ? 'help' : flags.list ? 'list' : flags.overhead ? 'overhead' : 'measure',
    cases: flags.quick ? cases.map(quick) : cases,
    contenders: pick('contenders', flags.contenders, contenders),
    quick: flags.quick ?? false,
    threads: flags.threads === undefined ? undefined : count('threads', flags.threads),
    json: flags.json,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, strict: true }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function pick<T extends { readonly name: string }>(
  flag: string,
  given: readonly string[] | undefined,
  all: readonly T[],
): readonly T[] {
  if (!given) return all
  const names = given.flatMap((text) => text.split(',')).map((name) => name.trim())
  const unknown = names.find((name) => !all.some((each) => each.name === name))
  if (unknown !== undefined)
    throw new UsageError(
      `--${flag}: expected some of ${all.map(({ name }) => name).join(', ')}, received ${JSON.stringify(unknown)}`,
    )
  return all.filter(({ name }) => names.includes(name))
}

function ownCase(flags: ReturnType<typeof parse>): Case {
  const { group, in: input, out: output, layout = 'channels-last' } = flags
  if (group === undefined || input === undefined || output === undefined)
    throw new UsageError('a layer of your own needs --group, --in and --out')
  if (layout !== 'channels-last' && layout !== 'channels-first')
    throw new UsageError(`--layout: expected channels-last or channels-first, received ${JSON.stringify(layout)}`)
  const batch = count('batch', flags.batch ?? '256')
  return {
    name: 'own',
    group,
    input: space('in', input),
    output: space('out', output),
    batch,
    gpuBatch: batch,
    bias: flags.bias ?? false,
    layout,
  }
}

/** '1:8,2:8' -> { 1: 8, 2: 8 }; orders and channel counts are checked by the library. */
function space(flag: string, text: string): Record<string, number> {
  const entries = text.split(',').map((item): [string, number] => {
    const [, order, channels] = /^\s*(\w*)\s*:\s*(\d+)\s*$/.exec(item) ?? []
    if (order === undefined)
      throw new UsageError(
        `--${flag}: expected order:channels, several joined by commas, received ${JSON.stringify(text)}`,
      )
    return [order, Number(channels)]
  })
  return Object.fromEntries(entries)
}

function count(flag: string, text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`--${flag}: expected an integer of at least 1, received ${JSON.stringify(text)}`)
  return value
}
