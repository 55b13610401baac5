// What is kept golden: the plan as people read it, and all programs of a few small layers.
import { groupFrom, linear } from '../../dist/index.js'
import { encode } from '../../dist/program/encode.js'
import { print } from '../../dist/program/print.js'
import { Compiled, programNames } from '../../dist/runtime/compiled.js'

const layers = {
  's5-1-1': ['S(5)', { 1: 3 }, { 1: 2 }, { strategy: 'shared' }],
  's4-mixed-bias': ['S(4)', { 1: 2, 2: 3 }, { 0: 1, 1: 1, 2: 2 }, { bias: true, strategy: 'shared' }],
  'o3-2-2-fourier': ['O(3)', { 2: 16 }, { 2: 16 }, { steps: { fourier: true } }],
  'so3-2-1': ['SO(3)', { 2: 1 }, { 1: 1 }, { strategy: 'shared' }],
  'sp4-2-0-mean': ['Sp(4)', { 2: 1 }, { 0: 1 }, { normalize: 'mean', strategy: 'shared' }],
  's3-1-1-auto': ['S(3)', { 1: 2 }, { 1: 1 }, { bias: true }],
}

export function goldenListings() {
  return Object.fromEntries(
    Object.entries(layers).map(([name, [group, input, output, options]]) => {
      const layer = linear(groupFrom(group), input, output, { ...options, backend: 'reference' })
      const compiled = new Compiled(layer.specification)
      const programs = programNames.map((program) => {
        const words = encode(compiled.program(program))
        return `== ${program} (${words.length} words)\n${print(compiled.program(program))}\n`
      })
      return [name, [`${layer.explain()}\n`, ...programs].join('\n')]
    }),
  )
}
