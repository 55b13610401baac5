// Trains an equivariant network and a plain one of the same size on the same samples, and says how far each is off on samples that neither
// has seen.
import { adamW, linear, pointwise, sequential, Trainer, type Network } from 'brauer'
import { random } from './random.js'
import { augment, byOrder, flat, slice, standardise, widthOf } from './samples.js'
import type { Task } from './task.js'

/** Mean square errors of networks that were trained on so many samples. */
export interface Row {
  readonly items: number
  readonly equivariant: number
  readonly plain: number
  readonly augmented: number
}

/** Of each sample, under random elements of the group, where samples are augmented. */
const copies = 16

export interface Settings {
  /** Sizes of training sets; the smaller ones are parts of the larger. */
  readonly items: readonly number[]
  readonly unseen: number
  /** Steps are the task's when left out. */
  readonly steps?: number
  /** Says on stderr what is trained and how far it has come; false when left out. */
  readonly progress?: boolean
}

export async function compare(task: Task, settings: Settings): Promise<Row[]> {
  const most = Math.max(...settings.items)
  const samples = standardise(task, task.draw(most + settings.unseen, random(1)))
  const test = slice(task, samples, most, settings.unseen)
  const table: Row[] = []
  for (const items of settings.items) {
    const seen = slice(task, samples, 0, items)
    const learn = async (name: string, network: Network, data: ReturnType<typeof flat>): Promise<Network> => {
      if (settings.progress) console.error(`${task.name}, ${items} items, ${name}`)
      return train(task, network, data, settings)
    }
    const equivariant = await learn('equivariant', task.network(), byOrder(task, seen))
    const plain = await learn('plain', perceptron(task), flat(task, seen))
    const augmented = await learn('plain, augmented', perceptron(task), flat(task, augment(task, seen, copies)))
    table.push({
      items,
      equivariant: await errorOf(equivariant, byOrder(task, test)),
      plain: await errorOf(plain, flat(task, test)),
      augmented: await errorOf(augmented, flat(task, test)),
    })
  }
  return table
}

/** Two hidden layers, of the width that brings the number of weights nearest to that of the task's network. */
export function perceptron(task: Task): Network {
  const [from, to] = [widthOf(task.shapes.x), widthOf(task.shapes.y)]
  const wanted = weightsOf(task.network())
  const weights = (width: number): number => (from + 1) * width + (width + 1) * width + (width + 1) * to
  let width = 1
  while (Math.abs(weights(width + 1) - wanted) < Math.abs(weights(width) - wanted)) width++
  const { group } = task
  const dense = (a: number, b: number, seed: number): ReturnType<typeof linear> =>
    linear(group, { 0: a }, { 0: b }, { bias: true, seed })
  const activation = (): Network => pointwise(group, { 0: width }, 'silu')
  return sequential(dense(from, width, 1), activation(), dense(width, width, 2), activation(), dense(width, to, 3))
}

export function weightsOf(network: Network): number {
  return Object.values(network.parameters).reduce((sum, { size }) => sum + size, 0)
}

async function train(
  task: Task,
  network: Network,
  data: ReturnType<typeof flat>,
  settings: Settings,
): Promise<Network> {
  const { steps = task.steps, progress = false } = settings
  const trainer = new Trainer(network, data, {
    optimizer: adamW({ learningRate: task.learningRate }),
    batch: task.batch,
    seed: 2,
    schedule: (step) => 0.5 + 0.5 * Math.cos((Math.PI * step) / steps),
  })
  await trainer.run(steps, { progress })
  return network
}

/** Mean square over all components of all items. */
async function errorOf(network: Network, { x, y }: ReturnType<typeof flat>): Promise<number> {
  const result = await network.forward(x)
  let [sum, count] = [0, 0]
  for (const [order, { data }] of Object.entries(y)) {
    const found = result[order]!.data
    for (let i = 0; i < data.length; i++) sum += (Number(found[i]) - Number(data[i])) ** 2
    count += data.length
  }
  return sum / count
}

export function report(task: Task, table: readonly Row[]): string {
  const weights = `${weightsOf(task.network())} weights, plain ${weightsOf(perceptron(task))}`
  const cells = table.map(({ items, equivariant, plain, augmented }) => [
    String(items),
    ...[equivariant, plain, augmented].map((error) => error.toPrecision(2)),
    (Math.min(plain, augmented) / equivariant).toFixed(1),
  ])
  const lines = [['items', 'equivariant', 'plain', 'augmented', 'better plain / equivariant'], ...cells]
  return [
    `${task.about}: mean square error on samples that no network has seen, of targets with mean square 1`,
    `${weights}; ${task.steps} steps of ${task.batch} items; augmented: ${copies} random copies of each item`,
    '',
    ...lines.map((line) =>
      line
        .map((cell) => cell.padEnd(13))
        .join('')
        .trimEnd(),
    ),
  ].join('\n')
}
