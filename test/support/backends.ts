/** The backends that a run of the tests is about: BRAUER_TEST_BACKENDS names them, separated by commas. `npm test` runs everything on the
 *  reference and the cpu, and the tests that import this file once more on emulated GPUs.
 *
 *  All of them promise the same answers to the same tolerances, and that an item's bits depend neither on the batch around it nor on
 *  the run. A GPU has no threads to count, so there every number of them is the same; and it hears of an abort only between parts of a
 *  batch. */
import type { Backend } from '../../lib/backends/backend.js'
import { cudaModes, type CudaMode } from '../../lib/backends/cuda.js'
import { chooseBackend } from '../../lib/backends/index.js'

/** A device may have its number: `cuda:1-fused`. */
export type BackendName = 'reference' | 'cpu' | `cuda-${CudaMode}` | `cuda:${number}-${CudaMode}`

interface Options {
  readonly backend: string
  readonly cuda?: { readonly mode: CudaMode }
}

/** Options of `linear` that choose this backend. */
export function on(name: BackendName): Options {
  const [backend, mode] = name.split('-') as [string, CudaMode?]
  return mode === undefined ? { backend } : { backend, cuda: { mode } }
}

export const isCuda = (name: BackendName): boolean => name.startsWith('cuda')

export const backends: readonly BackendName[] = chosen()

/** Those that the addon runs. */
export const compiled = backends.filter((name) => name !== 'reference')

/** Emulated GPUs take their time: where all backends are such, tests run a part of their cases, and smaller ones. */
const allEmulated = backends.every(isCuda)

/** One of so many, others for each seed, of the cases that cost at most a million. */
export function affordable<T>(
  cases: readonly T[],
  oneOf: number,
  seed: number,
  cost: (each: T) => number = () => 0,
): readonly T[] {
  return allEmulated ? cases.filter((each) => cost(each) <= 1e6).filter((_, i) => (i + seed) % oneOf === 0) : cases
}

/** How many random examples are drawn for every one where nothing is emulated. */
export const effort = allEmulated ? 0.3 : 1

/** Those of them that a test runs on which takes long on emulated GPUs: of the devices that run in one mode one, another for each seed. */
export function inTurn(names: readonly BackendName[], seed: number): readonly BackendName[] {
  const modeOf = (name: BackendName): string => name.replace(/^cuda:\d+/, 'cuda')
  return [...new Set(names.map(modeOf))].map((mode) => {
    const alike = names.filter((name) => modeOf(name) === mode)
    return alike[seed % alike.length]!
  })
}

export function backendOf(name: BackendName): Backend {
  const { backend, cuda } = on(name)
  return chooseBackend(backend, cuda).backend
}

function chosen(): BackendName[] {
  const names = (process.env['BRAUER_TEST_BACKENDS'] ?? 'reference,cpu').split(',')
  const legal = new RegExp(`^(reference|cpu|cuda(:\\d+)?-(${cudaModes.join('|')}))$`)
  for (const name of names)
    if (!legal.test(name))
      throw new Error(`BRAUER_TEST_BACKENDS: expected reference, cpu, cuda-fused and so on, received ${name}`)
  return names as BackendName[]
}
