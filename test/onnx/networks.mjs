// Networks that are exported: every module in every way that it can be made, for every group, and random ones nested in one another.

export const groups = ['S(3)', 'O(3)', 'SO(3)', 'Sp(4)', 'S(3)×O(2)']
const activations = ['relu', 'leakyRelu', 'silu', 'gelu', 'tanh', 'sigmoid']

/** Networks by name, whose biases and scales are neither zero nor one.
 *  @param brauer what makes them: dist/ in one process, lib/ in another @param {string} name of the group @param {string} dtype */
export function networksOf(brauer, name, dtype) {
  const { bilinear, directSum, gated, invariants, layerNorm, linear, norms, pointwise, residual, sequential, sum } =
    brauer
  const group = brauer.groupFrom(name)
  const [zero, one, two] = name === 'S(3)×O(2)' ? ['', 'b', 'ab'] : ['0', '1', '2']
  const draw = generator(1)
  const layer = (input, output) => linear(group, input, output, { bias: true, dtype, seed: draw(1e6) })
  const space = { [zero]: 2, [one]: 2, [two]: 3 }
  const [normed, permuted] = [!name.startsWith('Sp'), name.startsWith('S(')]
  const components = name === 'S(3)' ? { 0: 1, 1: 2, 2: 1 } : permuted ? { '': 1, a: 2, aa: 1 } : { [zero]: 3 }

  const made = {
    ...Object.fromEntries(
      activations.map((each) => [`pointwise ${each}`, pointwise(group, components, each, { dtype })]),
    ),
    ...Object.fromEntries(
      activations.flatMap((activation, i) =>
        ['scalars', 'contractions'].map((gates) => [
          `gated ${activation} by ${gates}`,
          gated(group, space, { activation, gate: activations.at(i - 2), gates, dtype }),
        ]),
      ),
    ),
    'gated without scalars': gated(group, { [two]: 2 }, { dtype }),
    ...(normed
      ? {
          ...Object.fromEntries(activations.map((each) => [`norms ${each}`, norms(group, space, { activation: each, dtype })])), // prettier-ignore
          layerNorm: layerNorm(group, space, { dtype, epsilon: 0.1 }),
        }
      : {}),
    bilinear: bilinear(group, { [one]: 2 }, { [zero]: 2, [one]: 2 }, space, { dtype, bias: true }),
    'bilinear to the third order': bilinear(group, { [one]: 1, [two]: 1 }, { [one]: 1 }, { [one]: 2 }, { dtype }),
    invariants: invariants(group, space, { dtype }),
    'invariants of tensors alone': invariants(group, { [two]: 2 }, { dtype }),
    residual: residual(layer(space, space)),
    sum: sum(layer({ [one]: 2 }, space), layer({ [one]: 2 }, space), layer({ [one]: 2 }, space)),
    directSum: directSum(layer({ [one]: 1, [zero]: 1 }, { [one]: 2 }), layer({ [one]: 2 }, { [one]: 1, [two]: 1 })),
    sequential: sequential(layer({ [one]: 1 }, space), layer(space, { [two]: 2 })),
    // For groups that mix components nothing reaches order 1 in between.
    'a constant in between': sequential(linear(group, { [zero]: 2 }, { [zero]: 1, [one]: 2 }, { dtype }), layer({ [zero]: 1, [one]: 2 }, { [one]: 1 })), // prettier-ignore
  }
  /** Modules of the space, of ever fewer parts. */
  const random = (depth) => {
    const leaves = [
      () => layer(space, space),
      () => sequential(layer(space, { ...space, [zero]: 7 }), gated(group, space, { dtype, activation: activations.at(draw(6)) })),
      () => gated(group, space, { gates: 'contractions', gate: activations.at(draw(6)), dtype }),
      () => sequential(invariants(group, space, { dtype }), pointwise(group, { [zero]: 7 }, activations.at(draw(6)), { dtype }), layer({ [zero]: 7 }, space)),
      () => sequential(layer(space, { [one]: 4 }), bilinear(group, { [one]: 2 }, { [one]: 2 }, space, { dtype })),
      ...(normed ? [() => norms(group, space, { dtype }), () => layerNorm(group, space, { dtype })] : []),
    ] // prettier-ignore
    // With what they are given added, since products of products would fade away.
    if (depth === 0) return residual(leaves.at(draw(leaves.length))())
    const parts = Array.from({ length: 1 + draw(3) }, () => random(depth - 1))
    const double = Object.fromEntries(Object.entries(space).map(([order, channels]) => [order, 2 * channels]))
    const ways = [
      () => sequential(...parts),
      () => residual(parts[0]),
      () => sum(...parts, layer(space, space)),
      () => sequential(layer(space, double), directSum(parts[0], parts.at(-1)), layer(double, space)),
    ]
    return ways.at(draw(ways.length))()
  }
  for (let i = 0; i < 4; i++) made[`random ${i}`] = sequential(random(1 + (i % 2)), random(0), random(1))
  for (const network of Object.values(made)) {
    // Weights stay as layers draw them, for which numbers keep their size from layer to layer.
    const drawn = Object.entries(network.parameters).map(([key, value]) => {
      if (/(^|\.)weight\./.test(key)) return [key, value]
      return [
        key,
        brauer.tensor(
          Array.from({ length: value.size }, () => draw(129) / 64 - 1),
          value.shape,
          dtype,
        ),
      ]
    })
    network.load(Object.fromEntries(drawn))
  }
  return made
}

/** Shapes of the inputs of a network, by order. */
export function shapesOf({ group, input }, batch) {
  return Object.fromEntries(
    Object.entries(input).map(([order, channels]) => {
      const extents = group.indices(group.parseOrder(order)).map((kind) => group.kinds[kind].n)
      return [order, [batch, ...extents, channels]]
    }),
  )
}

/** Whole numbers from 0 to below an end, the same in every process. */
export function generator(seed) {
  let state = seed
  return (end) => Math.floor(((state = (state * 48271) % 2147483647) / 2147483647) * end)
}
