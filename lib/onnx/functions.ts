import type { FunctionName } from '../tape/form.js'
import type { Graph, Value } from './graph.js'

/** Functions of one number as nodes. */
export const functions: Readonly<Record<FunctionName, (graph: Graph, x: Value) => Value>> = {
  exp: (graph, x) => graph.map('Exp', x),
  log: (graph, x) => graph.map('Log', x),
  sin: (graph, x) => graph.map('Sin', x),
  cos: (graph, x) => graph.map('Cos', x),
  tanh: (graph, x) => graph.map('Tanh', x),
  sigmoid: (graph, x) => (graph.type === 'float32' ? graph.map('Sigmoid', x) : sigmoidByExp(graph, x)),
  softplus: (graph, x) => graph.map('Softplus', x),
  relu: (graph, x) => graph.map('Relu', x),
  step: (graph, x) => graph.positive(x),
  sqrt: (graph, x) => graph.map('Sqrt', x),
  reciprocal: (graph, x) => graph.map('Reciprocal', x),
  normal: (graph, x) => (graph.type === 'float32' ? normalByErf(graph, x) : normalBySines(graph, x)),
}

/** 1/(1 + exp(−x)). In float64 onnxruntime 1.30 makes x·Sigmoid(x) an operator of its own that it has for float32 alone. */
function sigmoidByExp(graph: Graph, x: Value): Value {
  const sum = graph.add(graph.map('Exp', graph.scale(x, -1)), graph.constant([1], [1]))
  return graph.map('Reciprocal', sum)
}

/** Φ(x) = (1 + erf(x/√2))/2. */
function normalByErf(graph: Graph, x: Value): Value {
  const erf = graph.map('Erf', graph.scale(x, Math.SQRT1_2))
  return graph.scale(graph.add(erf, graph.constant([1], [1])), 0.5)
}

/** Beyond this Φ is 0 or 1 to the precision of float64. */
const edge = 8.3

/** Φ in float64, in which onnxruntime has no Erf: a square wave of period 2π/h with jumps at multiples of π/h, made smooth by a normal density, is
 *  Φ(x) = 1/2 + 2/π Σ exp(−n²h²/2) sin(nhx)/n over odd n, but for the next jumps, which are `edge` away from every x where π/h = 17. The
 *  terms from n = 49 on are below 1e-19. */
function normalBySines(graph: Graph, x: Value): Value {
  const h = Math.PI / 17
  const odd = Array.from({ length: 24 }, (_, i) => 2 * i + 1)
  const weights = odd.map((n) => ((2 / Math.PI) * Math.exp((-n * n * h * h) / 2)) / n)
  const column = graph.reshape(graph.clamp(x, edge), [...x.shape, 1])
  const sines = graph.map('Sin', graph.multiply(column, graph.constant(odd.map((n) => n * h), [odd.length]))) // prettier-ignore
  return graph.reshape(graph.product(sines, weights, [0.5], 1), x.shape)
}
