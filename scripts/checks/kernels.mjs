// What nvcc said of the kernels, kept beside each object by scripts/nvcc.mjs: every kernel is compiled for every architecture of the build, and those
// that the time goes to keep everything in registers.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles, root } from '../setup/stamps.mjs'

export const name = 'the kernels are compiled for every architecture, the hot ones without stack and spills'

const hot = ['copy_kernel']
/** Functions that kernels call, by a part of their mangled names: products of factors in shared memory and by tensor cores, sums, terms. What ptxas
 *  counts as loads alone is arguments that the caller has left on its stack, read once. */
const hotFunctions = [
  // Rows as `pair_rows` of cuda/kernels/product_shape.h has them.
  ...[4, 6].flatMap((rows) =>
    ['110', '111', '100', '010'].map((flags) => `ProductKindILi${rows}ELi2E${flags.replace(/./g, 'Lb$&E')}`),
  ),
  'run_product_mma',
  'run_parallel_move',
  'terms_of',
]

export function run() {
  const file = join(root, 'build-cmake', 'cuda-architectures.txt')
  if (!existsSync(file)) return ['build-cmake/cuda-architectures.txt is not there']
  const built = readFileSync(file, 'utf8').trim()
  if (built === '') return { skip: 'this build has no CUDA' }
  const architectures = built
    .split(';')
    .filter((item) => !item.endsWith('-virtual'))
    .map((item) => `sm_${parseInt(item)}`)
  const objects = listFiles('cuda').filter((source) => source.endsWith('.cu'))
  if (objects.length === 0) return ['no kernel is in cuda/']
  const kernels = objects.flatMap((source) => kernelsOf(source))
  const problems = []
  for (const source of objects) {
    if (!existsSync(reportOf(source))) problems.push(`${source}: no report of its kernels beside its object`)
    const own = kernels.filter((kernel) => kernel.source === source)
    for (const symbol of new Set(own.map((kernel) => kernel.symbol))) {
      const lacking = architectures.filter((sm) => !own.some((kernel) => kernel.symbol === symbol && kernel.sm === sm))
      if (lacking.length > 0) problems.push(`${source}: ${symbol} has no code for ${lacking.join(', ')}`)
    }
  }
  for (const wanted of hot) {
    const own = kernels.filter(({ symbol }) => symbol.includes(`${wanted.length}${wanted}`))
    if (own.length === 0) problems.push(`${wanted}: no such kernel`)
    for (const { sm, stack, stores, loads } of own)
      if (stack + stores + loads > 0)
        problems.push(`${wanted}, ${sm}: ${stack} bytes of stack, ${stores} + ${loads} spilled`)
  }
  const functions = objects.flatMap((source) => functionsOf(source))
  for (const wanted of hotFunctions) {
    const own = functions.filter(({ symbol }) => symbol.includes(wanted))
    if (own.length === 0) problems.push(`${wanted}: no such function`)
    for (const { source, stack, stores } of own)
      if (stack + stores > 0) problems.push(`${wanted} in ${source}: ${stack} bytes of stack, ${stores} spilled`)
  }
  return problems
}

/** { source, symbol, stack, stores } for each function, kernel and architecture. */
function functionsOf(source) {
  if (!existsSync(reportOf(source))) return []
  const text = readFileSync(reportOf(source), 'utf8')
  const each = /Function properties for (\w+)\n\s*(\d+) bytes stack frame, (\d+) bytes spill stores/g
  return [...text.matchAll(each)].map(([, symbol, stack, stores]) => ({
    source,
    symbol,
    stack: Number(stack),
    stores: Number(stores),
  }))
}

/** { source, symbol, sm, stack, stores, loads } for each kernel and architecture. */
function kernelsOf(source) {
  if (!existsSync(reportOf(source))) return []
  const text = readFileSync(reportOf(source), 'utf8')
  const entry =
    /Compiling entry function '(\w+)' for '(sm_\d+)\w*'\n.*Function properties for \1\n\s*(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads/g
  return [...text.matchAll(entry)].map(([, symbol, sm, ...bytes]) => {
    const [stack, stores, loads] = bytes.map(Number)
    return { source, symbol, sm, stack, stores, loads }
  })
}

function reportOf(source) {
  return join(root, 'build-cmake', 'CMakeFiles', 'brauer_cuda.dir', `${source}.o.resources.txt`)
}
