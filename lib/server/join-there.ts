import type { Operand } from '../backends/backend.js'
import { isRemote, release, type End } from '../layers/end.js'
import type { DeviceData, DeviceMemory, RowMove } from '../tensor/device.js'
import type { DataOf, Dtype } from '../tensor/dtype.js'
import { product } from '../tensor/size.js'
import { deviceDataOf, wrapDevice, type Tensor } from '../tensor/tensor.js'

type Tensors = Readonly<Record<string, Tensor>>

/** Some items of a run on a device. */
export interface RemotePart {
  readonly batch: number
  /** Their inputs, by order, which are given up once they are joined. Those on the host go there then. */
  readonly held: Operand[]
  /** Whether somebody still waits for the answer. */
  readonly isWanted: boolean
}

/** Runs parts whose inputs lie on a device as one, and copies each its results to memory of its own. Nothing goes through the host. */
export class JointThere {
  readonly #memory: DeviceMemory
  readonly #dtype: Dtype
  readonly #in: End
  readonly #out: End

  constructor(memory: DeviceMemory, dtype: Dtype, input: End, output: End) {
    this.#memory = memory
    this.#dtype = dtype
    this.#in = input
    this.#out = output
  }

  /** The answers by part; none for those that nobody wants any longer. */
  async run<P extends RemotePart>(
    parts: readonly P[],
    forward: (x: Tensors) => Promise<Tensors>,
  ): Promise<Map<P, Tensors>> {
    const items = parts.reduce((sum, { batch }) => sum + batch, 0)
    let x: readonly DeviceData[] = []
    try {
      x = await this.#join(parts, items)
      const y = await forward(this.#tensors(this.#in, items, x))
      return parts.length === 1 ? new Map([[parts[0]!, y]]) : await this.#split(parts, items, y)
    } finally {
      release(x)
      for (const { held } of parts) release(held.splice(0))
    }
  }

  /** The inputs of all parts, one behind the other. */
  async #join(parts: readonly RemotePart[], items: number): Promise<DeviceData[]> {
    for (const { held } of parts) {
      for (let i = 0; i < held.length; i++) {
        const data = held[i]!
        if (!isRemote(data)) held[i] = await this.#memory.upload(this.#dtype, data as DataOf[Dtype])
      }
    }
    const pieces = parts.map(({ held }) => held as DeviceData[])
    if (parts.length === 1) return pieces[0]!.splice(0)
    const whole = this.#allocate(this.#in, items)
    try {
      await this.#move(this.#in, parts, pieces, whole, false)
    } catch (error) {
      release(whole)
      throw error
    }
    return whole
  }

  async #split<P extends RemotePart>(parts: readonly P[], items: number, y: Tensors): Promise<Map<P, Tensors>> {
    const whole = this.#out.entries.map(({ key }) => deviceDataOf(y[key])!)
    const pieces: (readonly DeviceData[])[] = []
    try {
      for (const { isWanted, batch } of parts) pieces.push(isWanted ? this.#allocate(this.#out, batch) : [])
      await this.#move(this.#out, parts, pieces, whole, true)
    } catch (error) {
      release(pieces.flat())
      throw error
    } finally {
      release(whole)
    }
    const answers = parts.flatMap((part, i): [P, Tensors][] =>
      pieces[i]!.length > 0 ? [[part, this.#tensors(this.#out, part.batch, pieces[i]!)]] : [],
    )
    return new Map(answers)
  }

  /** Between the pieces of parts and the whole. */
  async #move(
    { entries }: End,
    parts: readonly RemotePart[],
    pieces: readonly (readonly DeviceData[])[],
    whole: readonly DeviceData[],
    back: boolean,
  ): Promise<void> {
    const all = pieces.flat()
    const [inputs, outputs] = back ? [whole, all] : [all, whole]
    const [firstWhole, firstPiece] = back ? [0, whole.length] : [all.length, 0]
    const moves: RowMove[] = []
    let first = 0
    let packed = firstPiece
    parts.forEach(({ batch }, at) => {
      pieces[at]!.forEach((_, i) => {
        const { size } = entries[i]!
        moves.push({ packed: packed++, spread: firstWhole + i, row: batch * size, items: [first * size], rows: [0] })
      })
      first += batch
    })
    const sizes = (data: readonly DeviceData[]): number[] => data.map(({ size }) => size)
    const mover = this.#memory.mover(this.#dtype, sizes(inputs), sizes(outputs), moves, false)
    try {
      await mover.run(1, [...inputs, ...outputs])
    } finally {
      mover.dispose()
    }
  }

  #allocate({ entries }: End, items: number): DeviceData[] {
    const data: DeviceData[] = []
    try {
      for (const { key, size } of entries)
        data.push(this.#memory.allocate(this.#dtype, product([items, size], `forward, order ${key}`)))
    } catch (error) {
      release(data)
      throw error
    }
    return data
  }

  #tensors(end: End, items: number, data: readonly DeviceData[]): Tensors {
    const shapes = end.shapes(items)
    return end.record(data.map((each, i) => wrapDevice(each, shapes[i]!))) as Tensors
  }
}
