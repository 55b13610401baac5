import type { Command } from '../command.js'
import { layerFlags, numberFlag, openLayer, runFlags } from '../layer.js'

export const explain: Command = {
  name: 'explain',
  summary: 'Prints the plan of a layer: diagrams, stages, flops, bytes, and what the other strategies would cost.',
  forms: [
    'MODEL.safetensors',
    'GROUP --in SPACE --out SPACE [--bias …]        e.g. "O(3)" --in 1:8,2:8 --out 0:16,2:8 --bias',
  ],
  flags: {
    ...layerFlags,
    ...runFlags,
    batch: { value: 'N', help: 'totals for a batch of N too' },
    device: {
      value: 'NAME',
      help: 'what a forward would take on an NVIDIA device, by a model: h200, h100, a100, l40s, l4, 4090, cuda:0',
    },
    program: { help: 'the list of instructions too' },
  },
  async run(arguments_) {
    const layer = openLayer(arguments_, 'explain')
    const batch = numberFlag(arguments_.flags, 'batch')
    const program = arguments_.flags['program'] === true
    const device = arguments_.flags['device']
    const options = {
      program,
      ...(batch === undefined ? {} : { batch }),
      ...(device === undefined ? {} : { device: String(device) }),
    }
    console.log(layer.explain(options))
    return 0
  },
}
