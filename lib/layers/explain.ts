import { cpuInfo } from '../backends/native.js'
import { expected, show } from '../errors.js'
import type { Program } from '../program/program.js'
import { explainPlan } from '../runtime/explain.js'
import type { Linear } from './linear.js'
import { checkInteger, ownOptions } from './options.js'

/** What `explain` assumes of the cache where no backend tells. */
const defaultTileBytes = 2 ** 20

/** Options of `explain`. */
export interface ExplainOptions {
  readonly batch?: number
  readonly program?: boolean
  readonly device?: string
}

/** How a layer is computed, as text; `forward` is its program. @throws BrauerError `unknown-option`, `invalid-argument` */
export function explainLayer(
  layer: Pick<Linear, 'backend' | 'plan' | 'options' | 'predict' | 'estimate'>,
  forward: Program,
  options: ExplainOptions | undefined,
): string {
  const given = ownOptions(options, ['batch', 'program', 'device'], 'explain: options') as ExplainOptions
  const { batch, program, device = /\(cuda:\d+\)$/.exec(layer.backend.device)?.[0].slice(1, -1) } = given
  if (batch !== undefined) checkInteger(batch, 'explain: batch', 1)
  if (device !== undefined && typeof device !== 'string')
    throw expected('invalid-argument', 'explain: device', 'the name of a device', show(device))
  const backend = `${layer.backend.name} on ${layer.backend.device} (${layer.backend.reason})`
  const budget = layer.backend.name === 'cpu' ? cpuInfo().tileBytes : defaultTileBytes
  return explainPlan(layer.plan, {
    batch,
    program,
    dtype: layer.options.dtype,
    backend,
    forward,
    budget,
    predicted: layer.predict(batch ?? layer.options.expectedBatch),
    estimates: device === undefined ? undefined : layer.estimate(device, batch ?? layer.options.expectedBatch),
  })
}
