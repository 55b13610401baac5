import { describe, expect, test } from '@jest/globals'
import type { Case } from '../../bench/cases.js'
import { graphOf } from '../../bench/contenders/graph-of.js'
import { einsumProgram } from '../../bench/contenders/steps/einsum.js'
import { sharedProgram } from '../../bench/contenders/steps/shared.js'
import type { Step } from '../../bench/contenders/steps/step.js'
import { inputsOf, layerOf, makeProblem } from '../../bench/problem.js'
import { relativeError } from '../../bench/proof.js'
import { evaluate, interpret } from './contenders-interpret.js'

const base = { name: 'small', batch: 2, gpuBatch: 2, bias: false, layout: 'channels-last' } as const
type Space = Case['input']

const layers: readonly (readonly [group: string, input: Space, output: Space])[] = [
  ['S(4)', { 1: 3 }, { 1: 2 }],
  ['S(5)', { 2: 3 }, { 2: 2 }],
  ['S(3)', { 3: 2 }, { 3: 1 }],
  ['S(3)', { 0: 2, 1: 1, 3: 1 }, { 0: 1, 2: 2 }],
  ['S(2)', { 4: 1 }, { 1: 2 }],
  ['O(3)', { 0: 2, 1: 3, 2: 2 }, { 0: 3, 1: 1, 2: 2 }],
  ['O(2)', { 4: 1 }, { 4: 2 }],
  ['O(3)', { 1: 2 }, { 1: 1, 2: 2 }],
  ['SO(3)', { 0: 2, 1: 3, 2: 2 }, { 0: 3, 1: 1, 2: 2 }],
  ['SO(3)', { 2: 2 }, { 3: 1 }],
  ['SO(3)', { 0: 1, 3: 2 }, { 0: 2, 3: 1 }],
  ['SO(2)', { 1: 2, 2: 1 }, { 0: 1, 2: 2 }],
  ['SO(4)', { 2: 2 }, { 2: 1 }],
  ['Sp(4)', { 3: 2 }, { 3: 1 }],
  ['Sp(2)', { 0: 1, 2: 2, 4: 1 }, { 2: 2 }],
  ['Sp(4)', { 4: 1 }, { 0: 2 }],
  ['Sp(4)', { 0: 2 }, { 4: 1 }],
  ['S(3)×O(2)', { a: 1, ab: 2, bb: 1 }, { aa: 1, ab: 2 }],
]

describe.each(layers)('%s %j -> %j', (group, input, output) => {
  describe.each(['channels-last', 'channels-first'] as const)('%s', (layout) => {
    test.each([
      ['without a bias', false],
      ['with a bias', true],
    ])('%s', (_, bias) => {
      const problem = makeProblem({ ...base, group, input, output, layout, bias }, 1)
      const x = Object.fromEntries(
        problem.inputs.map(({ order, shape }) => [`x${order}`, { shape: [2, ...shape], data: problem.x[order]! }]),
      )
      const layer = layerOf(problem, 'float64', { backend: 'reference', strategy: 'diagrams' })
      const wanted = layer.forwardSync(inputsOf(problem, 'float64'))
      const answers = {
        shared: interpret(sharedProgram(problem), x),
        einsum: interpret(einsumProgram(problem), x),
        'a graph with gathers': evaluate(graphOf(problem, 0), x),
        'a graph with matrices': evaluate(graphOf(problem, 2 ** 20), x),
      }
      for (const [name, y] of Object.entries(answers)) {
        for (const { order } of problem.outputs) {
          const error = relativeError(y[`y${order}`]!, wanted[order]!.data)
          expect([name, order, error < 1e-12 ? 0 : error]).toEqual([name, order, 0])
        }
      }
    })
  })
})

describe('the hand-shared form', () => {
  const programOf = (group: string, input: Space, output: Space) =>
    sharedProgram(makeProblem({ ...base, group, input, output }, 1))

  test('S 2 -> 2: totals from row sums, traces from diagonals, one product per class and order of the strands', () => {
    const { steps, constants } = programOf('S(8)', { 2: 3 }, { 2: 2 })
    expect(steps.map(text)).toEqual([
      'x2:d0,1 = pick 0,0 of x2',
      'x2:d0;s1 = sum 1 of x2',
      'x2:d1;s0 = sum 0 of x2',
      'x2:s0,1 = sum 0 of x2:d0,1',
      'x2:s0;s1 = sum 0 of x2:d1;s0',
      's0 = stack of x2:d0,1 x2:d0;s1 x2:d1;s0',
      'm0 = mix of s0',
      's1 = stack of x2:s0,1 x2:s0;s1',
      'm1 = mix of s1',
      'p2.1 = pick 1,0 of x2',
      'm2 = mix of x2 p2.1',
      't0 = m0[0 ..] + m1[0 ..](-)',
      't1 = m0[2 ..] + m1[2 ..](-)',
      'y2 = m2[0 ..] + m0[4 ..](-,0) + t1[0 ..](0,-) + t0[0 ..](0,-) where 0,1',
    ])
    const shapes = Object.entries(constants).map(([name, { shape }]) => [name, ...shape])
    expect(shapes).toEqual([['w0', 9, 6], ['w1', 6, 4], ['w2', 6, 2]]) // prettier-ignore
  })

  test.each([
    ['S(4)', { 4: 1 }, { pick: 71, sum: 50, stack: 4, mix: 5, add: 46 }],
    ['O(5)', { 5: 1 }, { pick: 149, sum: 25, stack: 2, mix: 3, add: 1 }],
    ['Sp(6)', { 3: 1 }, { gather: 3, stack: 1, pick: 5, mix: 2, add: 1 }],
    ['SO(3)', { 0: 1, 1: 1, 2: 1 }, { gather: 4, stack: 1, pick: 2, sum: 1, mix: 5, add: 3 }],
  ])('%s %j to itself has as many products as classes', (group, space, wanted) => {
    const counts: Record<string, number> = {}
    for (const { op } of programOf(group, space, space).steps) counts[op] = (counts[op] ?? 0) + 1
    expect(counts).toEqual(wanted)
  })
})

function text(step: Step): string {
  switch (step.op) {
    case 'pick':
      return `${step.to} = pick ${step.pick.join()} of ${step.from}`
    case 'sum':
      return `${step.to} = sum ${step.axes.join()} of ${step.from}`
    case 'stack':
    case 'mix':
      return `${step.to} = ${step.op} of ${step.from.join(' ')}`
    case 'add': {
      const terms = step.terms.map(({ from, begin, axes, ties }) => {
        const along = axes.includes(-1) ? `(${axes.map((axis) => (axis < 0 ? '-' : axis)).join()})` : ''
        return `${from}[${begin} ..]${along}${ties.map(({ at }) => ` where ${at.join()}`).join('')}`
      })
      return `${step.to} = ${terms.join(' + ')}`
    }
    default:
      return `${step.to} = ${step.op}`
  }
}
