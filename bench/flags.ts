import { parseArgs } from 'node:util'
import { quick, type Case } from './cases.js'
import { casesOf, count, pick, show, UsageError } from './chosen.js'
import { contenders } from './contenders/index.js'
import type { Contender } from './contenders/contender.js'
import { sweeps, type Sweep } from './growth/sweeps.js'

/** What the command line asks for. */
export type Request =
  | { readonly action: 'help' | 'list' }
  | ({ readonly action: 'measure' | 'overhead' | 'training' } & Measurement)
  | { readonly action: 'calibrate'; readonly quick: boolean; readonly threads: number | undefined }
  | ({ readonly action: 'show'; readonly from: readonly string[] } & Outputs)
  | Comparison

export interface Measurement extends Outputs {
  readonly cases: readonly Case[]
  readonly contenders: readonly Contender[]
  readonly sweeps: readonly Sweep[]
  /** Of the sweeps. */
  readonly sweepContenders: readonly Contender[]
  readonly quick: boolean
  /** Of every contender and of the roofline; the process's default when left out. */
  readonly threads: number | undefined
}

/** Files to write. */
export interface Outputs {
  readonly save: string | undefined
  readonly html: string | undefined
  readonly picture: string | undefined
}

export interface Comparison {
  readonly action: 'compare'
  readonly files: readonly [string, string]
  /** Exit status 1 where something is slower by more than this many percent. */
  readonly failSlower: number | undefined
}

const options = {
  case: { type: 'string', multiple: true },
  contenders: { type: 'string', multiple: true },
  growth: { type: 'boolean' },
  quick: { type: 'boolean' },
  threads: { type: 'string' },
  save: { type: 'string' },
  html: { type: 'string' },
  picture: { type: 'string' },
  from: { type: 'string', multiple: true },
  compare: { type: 'boolean' },
  'fail-slower': { type: 'string' },
  list: { type: 'boolean' },
  overhead: { type: 'boolean' },
  training: { type: 'boolean' },
  calibrate: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  group: { type: 'string' },
  in: { type: 'string' },
  out: { type: 'string' },
  model: { type: 'string' },
  batch: { type: 'string' },
  bias: { type: 'boolean' },
  layout: { type: 'string' },
} as const

/** Flags that say which layers are measured. */
const caseFlags = ['case', 'group', 'in', 'out', 'model', 'batch', 'bias', 'layout']

type Flags = ReturnType<typeof parse>['values']

/** @throws UsageError; BrauerError for a model file that cannot be read */
export function readFlags(words: readonly string[]): Request {
  const { values: flags, positionals } = parse(words)
  if (flags.help) return { action: 'help' }
  if (flags.list) return { action: 'list' }
  if (flags.compare) return comparison(flags, positionals)
  if (flags['fail-slower'] !== undefined) throw new UsageError('--fail-slower goes with --compare')
  if (positionals.length > 0 && !flags.growth) throw new UsageError(`${show(positionals[0]!)} is one argument too many`)
  if (flags.calibrate) {
    goesWith('calibrate', flags, ['quick', 'threads'])
    return { action: 'calibrate', quick: flags.quick ?? false, threads: threadsOf(flags) }
  }
  const outputs = { save: flags.save, html: flags.html, picture: flags.picture }
  if (flags.from) return shown(flags, flags.from, outputs)
  if (flags.overhead) goesWith('overhead', flags, ['threads', 'save'])
  if (flags.training) goesWith('training', flags, ['threads', 'save', 'quick', ...caseFlags])
  const cases = casesOf(flags.training && !caseFlags.some((name) => name in flags) ? { case: ['o3-2'] } : flags)
  const chosen = pick('contenders', flags.contenders, contenders)
  return {
    action: flags.overhead ? 'overhead' : flags.training ? 'training' : 'measure',
    cases: flags.quick ? cases.map(quick) : cases,
    contenders: chosen,
    sweeps: flags.growth ? pick('growth', positionals.length > 0 ? positionals : undefined, sweeps) : [],
    sweepContenders: flags.contenders ? chosen : contenders.filter(({ name }) => name === 'cpu'),
    quick: flags.quick ?? false,
    threads: threadsOf(flags),
    ...outputs,
  }
}

const threadsOf = ({ threads }: Flags): number | undefined =>
  threads === undefined ? undefined : count('threads', threads)

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, strict: true, allowPositionals: true })
  } catch (error) {
    // Node's message goes on about positionals; its first sentence says it.
    const [sentence = ''] = (error as Error).message.split(/\.\s|\n/)
    throw new UsageError(sentence.replace(/^./, (letter) => letter.toLowerCase()).replace(/\.$/, ''))
  }
}

function comparison(flags: Flags, positionals: readonly string[]): Comparison {
  goesWith('compare', flags, ['fail-slower'])
  const [a, b, ...more] = positionals
  if (a === undefined || b === undefined || more.length > 0)
    throw new UsageError(`--compare: expected two files, received ${positionals.length}`)
  const percent = flags['fail-slower']
  if (percent !== undefined && !/^\d+(\.\d+)?$/.test(percent))
    throw new UsageError(`--fail-slower: expected a percentage such as 5, received ${show(percent)}`)
  return { action: 'compare', files: [a, b], failSlower: percent === undefined ? undefined : Number(percent) }
}

function shown(flags: Flags, from: readonly string[], outputs: Outputs): Request {
  goesWith('from', flags, ['save', 'html', 'picture'])
  if (Object.values(outputs).every((path) => path === undefined))
    throw new UsageError('--from: expected --html, --picture or --save with it')
  return { action: 'show', from, ...outputs }
}

/** @throws UsageError for a flag that says nothing beside `flag` */
function goesWith(flag: string, flags: Flags, others: readonly string[]): void {
  const other = Object.keys(flags).find((name) => name !== flag && !others.includes(name))
  if (other !== undefined) throw new UsageError(`--${flag}: --${other} does not go with it`)
}
