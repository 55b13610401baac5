import { cudaModes, precisions, type CudaMode, type Precision } from '../backends/cuda.js'
import { expected, show, BrauerError } from '../errors.js'
import type { Steps, Strategy } from '../plan/plan.js'
import { checkDtype, type Dtype } from '../tensor/dtype.js'

/** Options of `linear`. All are optional. */
export interface LinearOptions<D extends Dtype = Dtype> {
  /** Adds the (0,l)-diagrams, one parameter per diagram and output channel. Default false. */
  readonly bias?: boolean
  /** Storage type of inputs and outputs. Parameters are float32 for the 16-bit types. Default 'float32'. */
  readonly dtype?: D
  /** 'auto', 'cpu', 'cuda', 'cuda:1' and so on, 'reference'. A named backend that cannot run is an error. Default 'auto'. */
  readonly backend?: string
  /** mode: how an NVIDIA device runs the layer, 'auto', 'fused' or 'staged', default 'auto'. memory: bytes that a call may take there
   *  beside tensors that lie there, default 2^30; larger batches are cut. */
  readonly cuda?: { readonly mode?: CudaMode; readonly memory?: number }
  /** 'independent': the greedy linearly independent diagrams; 'spanning': all. Default 'independent'. */
  readonly basis?: 'independent' | 'spanning'
  /** 'sum' is the paper's map; 'mean' divides by n for every contracted block of the input. Default 'sum'. */
  readonly normalize?: 'sum' | 'mean'
  /** Of inputs and outputs: [batch, n, …, C] or [batch, C, n, …]. Default 'channels-last'. */
  readonly layout?: 'channels-last' | 'channels-first'
  /** What products of float32 are computed in on an NVIDIA device: 'highest', float32; 'tf32', tensor cores that keep 11 bits of each factor
   *  (relative error about 5e-4); 'tf32x3', three such products (about 1e-6). Other dtypes and backends compute in full. Default 'highest'. */
  readonly precision?: Precision
  /** The batch the planner optimises for. Default 256. */
  readonly expectedBatch?: number
  /** Of the initial weights. Default 0. */
  readonly seed?: number
  /** Threads at most, for each call. Default: all that the process may use, or BRAUER_NUM_THREADS. */
  readonly threads?: number
  /** Forces one way to compute. Default 'auto'. */
  readonly strategy?: Strategy
  /** Switches single planner steps on or off, to measure and test them; they win over the strategy. */
  readonly steps?: Steps
}

/** Options with every default filled in. */
export type ResolvedOptions<D extends Dtype = Dtype> = Required<Omit<LinearOptions<D>, 'threads' | 'cuda'>> & {
  readonly cuda: { readonly mode: CudaMode; readonly memory: number }
  readonly threads: number | undefined
}

const choices = {
  basis: ['independent', 'spanning'],
  normalize: ['sum', 'mean'],
  layout: ['channels-last', 'channels-first'],
  precision: precisions,
  strategy: ['auto', 'dense', 'diagrams', 'shared', 'fourier'],
} as const
const names = ['bias', 'dtype', 'backend', 'cuda', 'expectedBatch', 'seed', 'threads', 'steps', ...Object.keys(choices)]
const stepNames = ['share', 'classes', 'fourier']

/** @throws BrauerError `unknown-option`, `invalid-argument`, `invalid-dtype` */
export function resolveOptions<D extends Dtype>(options: LinearOptions<D> | undefined): ResolvedOptions<D> {
  const given = ownOptions(options, names, 'linear: options')
  const pick = <K extends keyof typeof choices>(name: K): (typeof choices)[K][number] => {
    const value = given[name] === undefined ? choices[name][0] : given[name]
    if (!(choices[name] as readonly unknown[]).includes(value))
      throw expected('invalid-argument', `linear: option ${name}`, choices[name].join(' or '), show(value))
    return value as (typeof choices)[K][number]
  }
  const steps = ownOptions(given.steps, stepNames, 'linear: option steps')
  for (const name of stepNames) if (steps[name] !== undefined) checkBoolean(steps[name], `steps.${name}`)
  const { mode = 'auto', memory = 2 ** 30 } = ownOptions(given.cuda, ['mode', 'memory'], 'linear: option cuda')
  if (!cudaModes.includes(mode as CudaMode))
    throw expected('invalid-argument', 'linear: option cuda.mode', cudaModes.join(' or '), show(mode))
  const { backend = 'auto', bias = false, dtype = 'float32', expectedBatch = 256, seed = 0 } = given
  if (typeof backend !== 'string') throw expected('invalid-argument', 'linear: option backend', 'a name', show(backend))
  return Object.freeze({
    bias: checkBoolean(bias, 'bias'),
    dtype: checkDtype(dtype, 'linear: option dtype') as D,
    backend,
    cuda: Object.freeze({ mode: mode as CudaMode, memory: checkInteger(memory, 'linear: option cuda.memory', 1) }),
    basis: pick('basis'),
    normalize: pick('normalize'),
    layout: pick('layout'),
    precision: pick('precision'),
    strategy: pick('strategy'),
    expectedBatch: checkInteger(expectedBatch, 'linear: option expectedBatch', 1),
    seed: checkInteger(seed, 'linear: option seed', 0),
    threads: given.threads === undefined ? undefined : checkInteger(given.threads, 'linear: option threads', 1, 4096),
    steps: Object.freeze({ ...steps }) as Steps,
  })
}

function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean')
    throw expected('invalid-argument', `linear: option ${name}`, 'true or false', show(value))
  return value
}

/** @throws BrauerError `invalid-argument` */
export function checkInteger(
  value: unknown,
  where: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
    throw expected(
      'invalid-argument',
      where,
      `an integer from ${least} to ${most === Number.MAX_SAFE_INTEGER ? '2^53' : most}`,
      show(value),
    )
  }
  return value as number
}

/** A copy of the own properties of an options object, so that each is read once and nothing is inherited. Names that do not
 *  exist are refused, with the nearest one that does. @throws BrauerError `unknown-option`, `invalid-argument` */
export function ownOptions(given: unknown, known: readonly string[], where: string): Record<string, unknown> {
  const own = Object.create(null) as Record<string, unknown>
  if (given === undefined) return own
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw expected('invalid-argument', where, 'an object', show(given))
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      const near = known.find(
        (candidate) =>
          Math.abs(candidate.length - name.length) <= 2 && distance(candidate.toLowerCase(), name.toLowerCase()) <= 2,
      )
      throw new BrauerError(
        'unknown-option',
        `${where}: expected one of ${known.join(', ')}, received ${show(name)}${near ? `; did you mean ${near}?` : ''}`,
      )
    }
    own[name] = (given as Record<string, unknown>)[name]
  }
  return own
}

/** Edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])))
    row = next
  }
  return row[b.length]!
}
