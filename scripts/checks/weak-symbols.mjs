// The linker keeps one copy of a weak symbol for the whole binary. If that copy is one compiled with -mavx512*, every machine without it dies with
// SIGILL in code that seems to have nothing to do with it.
import { addonObjects, sourceOf, symbolsOf } from '../setup/objects.mjs'
import { listFiles } from '../setup/stamps.mjs'

export const name = 'kernels of one instruction set define no weak symbols'

export function run() {
  if (listFiles('native/cpu/isa').length === 0) return { skip: 'there are no such kernels yet' }
  const { objects, skip } = addonObjects()
  if (skip) return { skip }
  const kernels = objects.filter((object) => /\/native\/cpu\/isa\/(?!portable)/.test(object))
  if (kernels.length === 0) return ['no object file of native/cpu/isa is in build-cmake/']
  return kernels.flatMap((object) =>
    symbolsOf(object)
      .filter(([type]) => 'WVu'.includes(type))
      .map(([type, symbol]) => `${sourceOf(object)}: ${type} ${symbol}`),
  )
}
