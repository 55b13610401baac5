import { expect } from '@jest/globals'
import type { Model } from './evaluate.js'

const operators = [
  'Add', 'Cast', 'Concat', 'Expand', 'Gather', 'Gemm', 'Identity', 'MatMul', 'Mul', 'ReduceSum', 'Reshape', 'Shape', 'Slice', 'Split',
  'Transpose', 'Cos', 'Erf', 'Exp', 'Greater', 'Log', 'Max', 'Min', 'Reciprocal', 'Relu', 'Sigmoid', 'Sin', 'Softplus', 'Sqrt', 'Tanh',
] // prettier-ignore

/** Nothing is computed that nobody reads, nothing twice, and with standard operators alone. */
export function expectTidy({ graph }: Model): void {
  const read = new Set([...graph.node.flatMap(({ input }) => input), ...graph.output.map(({ name }) => name)])
  for (const { output } of graph.node) expect(output.some((name) => read.has(name))).toBe(true)
  for (const { name } of graph.initializer) expect(read).toContain(name)
  const written = graph.node.map(({ opType, input, attribute }) => JSON.stringify([opType, input, attribute]))
  expect(new Set(written).size).toBe(written.length)
  expect(operators).toEqual(expect.arrayContaining([...new Set(graph.node.map(({ opType }) => opType))]))
}
