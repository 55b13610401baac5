/** Random layers for the property tests: small enough for a dense check, of every group, with every option that changes the result
 *  or the way to it. */
import fc from 'fast-check'
import type { Case, Way } from '../layers/cases.js'
import { backends, effort } from '../support/backends.js'
import type { GroupName } from '../support/dense.js'
import type { Space } from '../support/layer.js'

/** A run repeats exactly; FAST_CHECK_SEED draws others. */
export const runs = (numRuns: number) => ({
  numRuns: Math.ceil(numRuns * effort),
  seed: Number(process.env['FAST_CHECK_SEED'] ?? 2025),
})

export const groupArbitrary: fc.Arbitrary<readonly [GroupName, number]> = fc.oneof(
  fc.tuple(fc.constantFrom<GroupName>('S', 'O', 'SO'), fc.integer({ min: 1, max: 4 })),
  fc.tuple(fc.constant<GroupName>('Sp'), fc.constantFrom(2, 4)),
)

/** One to three orders up to `most`, one to three channels each. */
export const spaceArbitrary = (most: number): fc.Arbitrary<Space> =>
  fc
    .uniqueArray(fc.tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: 1, max: 3 })), {
      selector: ([order]) => order,
      minLength: 1,
      maxLength: 3,
    })
    .map((entries) => Object.fromEntries(entries))

/** A strategy, or steps; the transform over the strands needs the classes. */
const wayArbitrary: fc.Arbitrary<Way> = fc.oneof(
  fc.record({ strategy: fc.constantFrom('auto' as const, 'dense' as const) }),
  fc.record({
    steps: fc
      .record({ share: fc.boolean(), classes: fc.boolean(), fourier: fc.boolean() })
      .map(({ share, classes, fourier }) => ({ share, classes: classes || fourier, fourier })),
  }),
)

const optionsArbitrary = fc.record({
  backend: fc.constantFrom(...backends),
  threads: fc.constantFrom(1, 2),
  basis: fc.constantFrom('independent' as const, 'spanning' as const),
  normalize: fc.constantFrom('sum' as const, 'mean' as const),
  layout: fc.constantFrom('channels-last' as const, 'channels-first' as const),
  bias: fc.boolean(),
  way: wayArbitrary,
  batch: fc.integer({ min: 1, max: 3 }),
})

/** A float64 layer; `change` narrows what is drawn. */
export function caseArbitrary(most: number, change: Partial<Case> = {}): fc.Arbitrary<Case> {
  return fc
    .record({
      group: groupArbitrary,
      input: spaceArbitrary(most),
      output: spaceArbitrary(most),
      options: optionsArbitrary,
    })
    .map(({ group: [group, n], input, output, options }) => {
      return { group, n, input, output, dtype: 'float64', call: 'sync', ...options, ...change } satisfies Case
    })
}

export const seedArbitrary = fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 }))
