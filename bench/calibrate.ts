import { machineName, processorName, saveCalibration, type Calibration } from '../dist/backends/calibration.js'
import { leaveBlas } from '../dist/backends/native.js'
import { fitConstants, predict, type Sample } from '../dist/runtime/predict.js'
import { cpuInfo, groupFrom, linear, tensor } from '../dist/index.js'
import { table } from '../dist/cli/table.js'
import { measureBlas, ratiosText, usualGrid, type ProductRatio } from './product-rates.js'
import { number } from './report.js'
import { interleave, summarise, type Effort } from './timing.js'

type Space = Readonly<Record<string, number>>

/** Layers that stress one kind of work each, or an ordinary mixture: group, spaces, batch. None of them is in the suite. */
const layers: readonly (readonly [string, Space, Space, number])[] = [
  ['S(300)', { 1: 32 }, { 1: 32 }, 64],
  ['S(2000)', { 1: 64 }, { 1: 64 }, 48],
  ['S(24)', { 2: 8 }, { 2: 8 }, 32],
  ['S(40)', { 2: 24 }, { 2: 48 }, 24],
  ['S(100)', { 2: 32 }, { 2: 32 }, 12],
  ['S(300)', { 2: 16 }, { 2: 16 }, 2],
  ['S(700)', { 2: 12 }, { 2: 12 }, 1],
  ['S(32)', { 2: 1 }, { 2: 1 }, 256],
  ['S(12)', { 3: 16 }, { 3: 16 }, 16],
  ['S(5)', { 4: 8 }, { 4: 8 }, 16],
  ['O(3)', { 2: 16 }, { 2: 16 }, 8192],
  ['O(3)', { 2: 100 }, { 2: 100 }, 2048],
  ['O(3)', { 1: 64, 2: 32 }, { 0: 32, 1: 32 }, 4096],
  ['O(3)', { 1: 4, 2: 4 }, { 1: 4, 2: 4 }, 4096],
  ['O(4)', { 3: 24 }, { 3: 24 }, 256],
  ['SO(3)', { 0: 48, 1: 48, 2: 24 }, { 0: 48, 1: 48, 2: 24 }, 4096],
  ['Sp(4)', { 3: 32 }, { 3: 32 }, 256],
  ['O(4)', { 5: 1 }, { 5: 1 }, 128],
  ['O(4)', { 3: 1 }, { 3: 1 }, 1],
  ['S(6)', { 2: 4 }, { 2: 4 }, 1],
]

export const calm: Effort = { budget: 400, rounds: 15 }

/** Measures those layers on one thread and on all, and products by our kernels and by an installed BLAS; fits the constants of the cost
 *  model, chooses the products that the library takes, and keeps both for this machine. */
export async function calibrate(
  threads: number,
  effort: Effort,
  progress: (text: string) => void,
): Promise<Calibrated> {
  // The constants are those of our kernels, also where an earlier calibration chose a library.
  leaveBlas()
  const samples: (Sample & { readonly name: string })[] = []
  for (const [at, [group, input, output, batch]] of layers.entries()) {
    progress(`calibrating: layer ${at + 1} of ${layers.length}`)
    const counts = threads > 1 ? [1, threads] : [1]
    const made = counts.map((count) => {
      const layer = linear(groupFrom(group), input, output, { backend: 'cpu', expectedBatch: batch, threads: count })
      const space = (of: Space): Record<string, ReturnType<typeof tensor>> =>
        Object.fromEntries(
          Object.entries(of).map(([order, channels]) => {
            const shape = [batch, ...Array<number>(Number(order)).fill(layer.group.kinds[0]!.n), channels]
            return [order, tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape)]
          }),
        )
      const [x, out] = [space(input), space(output)]
      const time = (repeats: number): number => {
        const start = performance.now()
        for (let i = 0; i < repeats; i++) layer.forwardSync(x as never, { out } as never)
        return performance.now() - start
      }
      return { layer, time }
    })
    const times = await interleave(made, effort)
    made.forEach(({ layer }, i) => {
      samples.push({ name: `${group} ${batch}`, work: layer.work(batch)!, nanoseconds: 1e6 * times[i]!.median })
    })
  }
  const blas = measureBlas(processorName(cpuInfo()), usualGrid, progress)
  const calibration = {
    constants: fitConstants(samples),
    machine: machineName(cpuInfo()),
    ...(blas ? { blas: blas.measured } : {}),
  }
  const path = saveCalibration(calibration)
  const fitted = samples.map(({ name, work, nanoseconds }) => {
    return { name, milliseconds: nanoseconds / 1e6, predicted: predict(work, calibration) }
  })
  return { path, calibration, samples: fitted, products: blas?.ratios ?? [] }
}

export interface Calibrated {
  readonly path: string
  readonly calibration: Calibration
  readonly samples: readonly Fitted[]
  /** None where there is no BLAS. */
  readonly products: readonly ProductRatio[]
}

export interface Fitted {
  readonly name: string
  readonly milliseconds: number
  readonly predicted: number
}

/** The constants, how well they fit, and what an installed BLAS is used for. */
export function calibrationText({ path, calibration, samples, products }: Calibrated): string {
  const ratios = samples.map(({ milliseconds, predicted }) =>
    Math.max(milliseconds / predicted, predicted / milliseconds),
  )
  const constants = Object.entries(calibration.constants).map(([kind, nanoseconds]) => [kind, number(nanoseconds)])
  return [
    table([['kind of work', 'ns'], ...constants]),
    '',
    `${samples.length} runs fit within ${Math.max(...ratios).toFixed(2)}×, half of them within ${summarise(ratios).median.toFixed(2)}×`,
    '',
    calibration.blas ? ratiosText(calibration.blas, products) : 'no BLAS is installed that could be opened',
    '',
    `kept in ${path} for ${calibration.machine}`,
  ].join('\n')
}
