import { fileURLToPath } from 'node:url'
import type { Contender } from './contender.js'
import { tooDense } from './dense.js'
import { einsumProgram } from './steps/einsum.js'
import { sharedProgram } from './steps/shared.js'
import { workerContender, type Task } from './worker.js'

/** Without these a run of PyTorch or JAX gets fresh pages from the system for every large tensor and is up to twice as slow. */
export const allocator = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: String(2 ** 40),
  MALLOC_TOP_PAD_: String(2 ** 30),
}

const forms = { shared: sharedProgram, compiled: sharedProgram, dense: sharedProgram, einsum: einsumProgram }

function python(library: 'torch' | 'jax', form: keyof typeof forms, summary: string): Contender {
  return workerContender({
    name: `${library}-${form}`,
    summary,
    install: `pip install ${library}`,
    command: (threads) => ({
      program: 'python3',
      args: [fileURLToPath(new URL('../../bench/python/worker.py', import.meta.url)), `with_${library}`, `${threads}`],
      env: { ...allocator, ...threadCounts(threads), PYTHONDONTWRITEBYTECODE: '1', JAX_PLATFORMS: 'cpu' },
    }),
    ...(form === 'dense' ? { limit: tooDense } : {}),
    task(problem): Task {
      const { constants, ...program } = forms[form](problem)
      return { header: { contender: form, program }, constants }
    },
  })
}

/** NPROC is what XLA reads. */
function threadCounts(threads: number): Record<string, string> {
  const names = ['OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'NPROC']
  return Object.fromEntries(names.map((name) => [name, String(threads)]))
}

export const torchShared = python(
  'torch',
  'shared',
  'PyTorch, shared by hand: every contraction once, one product per class',
)
export const torchCompiled = python('torch', 'compiled', 'the same by torch.compile')
export const torchEinsum = python('torch', 'einsum', 'PyTorch, one einsum for each diagram')
export const torchDense = python('torch', 'dense', 'PyTorch, the product with the dense matrix')
export const jaxShared = python('jax', 'shared', 'JAX, shared by hand, by jit')
export const jaxDense = python('jax', 'dense', 'JAX, the product with the dense matrix, by jit')
