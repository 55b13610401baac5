import { show } from '../../errors.js'
import type { Module } from '../../networks/module.js'
import { Tensor } from '../../tensor/tensor.js'
import { type Command, UsageError } from '../command.js'
import { checkOutputPath, convert, readInputs, writeOutputs } from '../files.js'
import { openNetwork, runFlags } from '../layer.js'
import { Progress } from '../../training/progress.js'
import { bytesText, countText, secondsText, table } from '../table.js'

type Tensors = Readonly<Record<string, Tensor>>

export const run: Command = {
  name: 'run',
  summary:
    'Applies a layer or network to a file: npy for a space of one order, safetensors named by order (0, 1, 2, …) for any.',
  forms: ['MODEL.safetensors INPUT -o OUTPUT'],
  flags: { output: { short: 'o', value: 'FILE', help: 'where the output goes, .npy or .safetensors' }, ...runFlags },
  async run({ flags, rest }) {
    const [model, input, ...more] = rest
    const output = flags['output']
    if (model === undefined || input === undefined)
      throw new UsageError('run: a model file and an input file are needed')
    if (more.length > 0) throw new UsageError(`run: ${show(more[0])} is one argument too many`)
    if (typeof output !== 'string') throw new UsageError('run: -o OUTPUT is missing')

    const layer = openNetwork(model, flags)
    const { dtype } = layer.options
    checkOutputPath(output, layer.output, dtype)
    const stored = readInputs(input, layer.input)
    const x = Object.fromEntries(Object.entries(stored).map(([order, value]) => [order, convert(value, dtype)]))
    const { y, seconds, batch } = forwardInChunks(layer, x)
    writeOutputs(output, y)

    const { name, device, reason } = layer.backend
    const moved = bytesOf(x) + bytesOf(y)
    console.log(
      table([
        ['layer', `${layer.group}, ${spaceText(layer.input)} -> ${spaceText(layer.output)}, ${dtype}, from ${model}`],
        ...rows('input', stored, input).map(([what, text], i) => [
          what!,
          text + note(Object.values(stored)[i]!, dtype),
        ]),
        ...rows('output', y, output),
        ['backend', `${name} (${device}): ${reason}`],
        [
          'time',
          `${secondsText(seconds)}, ${countText(batch / seconds)} items/s, ${countText(moved / seconds / 1e9)} GB/s`,
        ],
      ]),
    )
    return 0
  },
}

/** Runs a batch piece by piece, so that progress can be shown; an item's bits do not depend on the batch around it. The pieces
 *  begin small and grow while they take less than a tenth of a second. `seconds` is the time inside the layer. */
function forwardInChunks(layer: Module, x: Tensors): { y: Tensors; seconds: number; batch: number } {
  const batch = batchOf(x)
  const item = bytesOf(x) / batch
  // Inputs that are no batch, or disagree on it, go to the layer as they are: it says what is wrong.
  let chunk = batch > 0 ? Math.max(1, Math.min(batch, Math.floor(2 ** 20 / item))) : 0
  let seconds = 0
  let y: Tensors = {}
  const progress = new Progress('run', batch)
  for (let done = 0; done < batch || done === 0;) {
    const next = Math.min(done + chunk, batch)
    const piece = next - done < batch && batch > 0 ? slices(x, done, next) : x
    const start = performance.now()
    const part = layer.forwardSync(piece)
    const took = (performance.now() - start) / 1000
    seconds += took
    if (piece === x) return { y: part, seconds, batch }
    if (done === 0) y = batched(part, batch)
    for (const [order, target] of Object.entries(slices(y, done, next))) target.data.set(part[order]!.data)
    done = next
    progress.update(done)
    if (took < 0.1) chunk *= 2
  }
  progress.end()
  return { y, seconds, batch }
}

/** The common first size of all inputs, or 0. */
function batchOf(x: Tensors): number {
  const sizes = new Set(Object.values(x).map(({ shape }) => shape[0] ?? 0))
  return sizes.size === 1 ? [...sizes][0]! : 0
}

function slices(values: Tensors, from: number, to: number): Tensors {
  return Object.fromEntries(
    Object.entries(values).map(([order, { data, shape, dtype }]) => {
      const item = shape.slice(1).reduce((product, size) => product * size, 1)
      return [order, new Tensor(data.subarray(from * item, to * item), [to - from, ...shape.slice(1)], dtype)]
    }),
  )
}

/** Tensors like these for a whole batch. */
function batched(part: Tensors, batch: number): Tensors {
  return Object.fromEntries(
    Object.entries(part).map(([order, { data, shape, dtype }]) => {
      const item = shape.slice(1).reduce((product, size) => product * size, 1)
      const whole = new (data.constructor as new (length: number) => typeof data)(batch * item)
      return [order, new Tensor(whole, [batch, ...shape.slice(1)], dtype)]
    }),
  )
}

const bytesOf = (values: Tensors): number => Object.values(values).reduce((sum, { data }) => sum + data.byteLength, 0)

const spaceText = (space: Readonly<Record<string, number>>): string =>
  `{${Object.entries(space)
    .map(([order, channels]) => `${order}: ${channels}`)
    .join(', ')}}`

function rows(what: string, values: Tensors, path: string): string[][] {
  return Object.entries(values).map(([order, { shape, dtype, data }]) => [
    what,
    `${path}  order ${order}  ${dtype} [${shape.join(', ')}]  ${bytesText(data.byteLength)}`,
  ])
}

const note = (value: Tensor, dtype: string): string => (value.dtype === dtype ? '' : `, converted to ${dtype}`)
