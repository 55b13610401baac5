import { expected, show } from '../errors.js'
import { Linear, type Space } from '../layers/linear.js'
import { describeLayer } from '../layers/model.js'
import { joinChannels, takeChannels } from '../tape/channels.js'
import { add } from '../tape/elementwise.js'
import type { Values } from '../tape/layer.js'
import type { ValueDtype } from '../tape/value.js'
import type { Module } from './module.js'
import { Network, type ModuleSpecification } from './network.js'

/** Modules one after the other: each takes what the one before gives. Parameters of the i-th have `i.` before their names.
 *  @throws BrauerError `invalid-argument` where group, dtype or spaces do not fit
 *  @example sequential(linear(O(3), { 1: 8 }, { 0: 16, 1: 16 }), gated(O(3), { 1: 16 })) */
export function sequential(...modules: readonly Module[]): Network {
  const first = checkParts('sequential', modules)
  modules.slice(1).forEach((module, i) => {
    checkSpace(`sequential: input of part ${i + 1}`, modules[i]!.output, module.input)
  })
  return new Network({
    ...first,
    specification: { kind: 'sequential', parts: modules.map(specificationOf) },
    output: modules.at(-1)!.output,
    children: modules,
    apply: (x, _, parts) => parts.reduce((at, part) => part(at), x),
  })
}

/** x + f(x), for a module from a space to itself. @throws BrauerError `invalid-argument` */
export function residual(module: Module): Network {
  const first = checkParts('residual', [module])
  checkSpace('residual: output', module.input, module.output)
  return new Network({
    ...first,
    specification: { kind: 'residual', parts: [specificationOf(module)] },
    children: [module],
    apply: (x, _, [part]) => sums([x, part!(x)]),
  })
}

/** f(x) + g(x) + …, for modules between the same spaces. @throws BrauerError `invalid-argument` */
export function sum(...modules: readonly Module[]): Network {
  const first = checkParts('sum', modules)
  for (const [i, module] of modules.entries()) {
    checkSpace(`sum: input of part ${i}`, first.input, module.input)
    checkSpace(`sum: output of part ${i}`, first.output, module.output)
  }
  return new Network({
    ...first,
    specification: { kind: 'sum', parts: modules.map(specificationOf) },
    children: modules,
    apply: (x, _, parts) => sums(parts.map((part) => part(x))),
  })
}

/** f ⊕ g ⊕ …, from the direct sum of the inputs to that of the outputs: of each order f has the first channels, g the next.
 *  @throws BrauerError `invalid-argument` */
export function directSum(...modules: readonly Module[]): Network {
  const first = checkParts('directSum', modules)
  return new Network({
    ...first,
    specification: { kind: 'directSum', parts: modules.map(specificationOf) },
    input: addSpaces(modules.map(({ input }) => input)),
    output: addSpaces(modules.map(({ output }) => output)),
    children: modules,
    apply: (x, _, parts) => {
      const inputs = splitSpace(x, modules.map(({ input }) => input)) // prettier-ignore
      return joinSpaces(parts.map((part, i) => part(inputs[i]!)))
    },
  })
}

/** The direct sum of spaces. */
export function addSpaces(spaces: readonly Space[]): Space {
  const total: Record<string, number> = {}
  for (const space of spaces)
    for (const [order, channels] of Object.entries(space)) total[order] = (total[order] ?? 0) + channels
  return total
}

/** The parts of values of a direct sum. */
export function splitSpace(x: Values, spaces: readonly Space[]): Values[] {
  const used: Record<string, number> = {}
  return spaces.map((space) =>
    Object.fromEntries(
      Object.entries(space).map(([order, channels]) => {
        const from = used[order] ?? 0
        used[order] = from + channels
        return [order, takeChannels(x[order]!, from, channels)]
      }),
    ),
  )
}

/** Values of the direct sum of spaces. */
export function joinSpaces(parts: readonly Values[]): Values {
  const orders = new Set(parts.flatMap((part) => Object.keys(part)))
  return Object.fromEntries(
    [...orders].map((order) => [order, joinChannels(parts.flatMap((part) => (part[order] ? [part[order]] : [])))]),
  )
}

function sums(terms: readonly Values[]): Values {
  return Object.fromEntries(Object.keys(terms[0]!).map((order) => [order, add(...terms.map((term) => term[order]!))]))
}

/** What a module is, as JSON. */
export function specificationOf(module: Module): ModuleSpecification {
  if (module instanceof Linear) return { kind: 'linear', ...describeLayer(module) }
  return (module as Network).specification
}

/** What the parts of a network have in common, and the spaces of the first. @throws BrauerError `invalid-argument` */
function checkParts(where: string, modules: readonly unknown[]) {
  if (modules.length === 0) throw expected('invalid-argument', where, 'at least one module', 'none')
  const stranger = modules.find((module) => !(module instanceof Linear || module instanceof Network))
  if (stranger !== undefined)
    throw expected('invalid-argument', where, 'layers made by linear, and networks', show(stranger))
  const [first] = modules as [Module]
  const dtype = first.options.dtype
  for (const [i, { group, options }] of (modules as Module[]).entries()) {
    const name = `${where}: part ${i}`
    if (group.toString() !== first.group.toString())
      throw expected('invalid-argument', name, `the group ${first.group} of the first`, group.toString())
    if (options.dtype !== 'float32' && options.dtype !== 'float64')
      throw expected('invalid-argument', name, 'dtype float32 or float64', options.dtype)
    if (options.dtype !== dtype) throw expected('invalid-argument', name, `dtype ${dtype} of the first`, options.dtype)
    if (options.layout !== 'channels-last')
      throw expected('invalid-argument', name, 'layout channels-last', options.layout)
  }
  return { group: first.group, input: first.input, output: first.output, dtype: dtype as ValueDtype }
}

function checkSpace(where: string, wanted: Space, received: Space): void {
  const text = (space: Space): string =>
    `{ ${Object.entries(space).map(([order, channels]) => `${order || "''"}: ${channels}`).sort().join(', ')} }` // prettier-ignore
  if (text(wanted) !== text(received)) throw expected('invalid-argument', where, text(wanted), text(received))
}
