import { check as checkLayer } from '../../networks/check.js'
import type { Command } from '../command.js'
import { layerFlags, numberFlag, openModule, runFlags } from '../layer.js'
import { Progress } from '../../training/progress.js'
import { table } from '../table.js'

export const check: Command = {
  name: 'check',
  summary:
    'Checks a layer or network under random group elements, in float64: equivariance and derivatives. Exit status 1 when it fails.',
  forms: ['MODEL.safetensors', 'GROUP --in SPACE --out SPACE [--bias …]'],
  flags: {
    trials: { value: 'N', help: 'number of random group elements, 8 when left out' },
    tolerance: { value: 'X', help: 'largest relative error that passes, 1e-10 when left out' },
    ...layerFlags,
    seed: { value: 'N', help: 'of the random elements and inputs, 0 when left out' },
    ...runFlags,
  },
  async run({ flags, rest }) {
    // The seed is the check's own here, not that of the initial weights.
    const layer = openModule({ rest, flags: { ...flags, seed: undefined } }, 'check')
    const trials = numberFlag(flags, 'trials') ?? 8
    const progress = new Progress('check', trials)
    const rows = checkLayer(layer, {
      trials,
      seed: numberFlag(flags, 'seed') ?? 0,
      tolerance: numberFlag(flags, 'tolerance') ?? 1e-10,
      onTrial: (done) => progress.update(done),
    })
    progress.end()
    const { name, device } = layer.backend
    console.log(`${layer.group}, ${trials} random elements, float64, backend ${name} (${device})\n`)
    console.log(table(rows.map((row) => [row.holds ? 'holds' : 'FAILS', row.name, row.error.toExponential(1)])))
    return rows.every((row) => row.holds) ? 0 : 1
  },
}
