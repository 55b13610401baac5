import { BrauerError, expected, show } from '../errors.js'
import type { Backend } from './backend.js'
import { cuda, type DeviceOptions } from './cuda.js'
import { cpu } from './native.js'
import { reference } from './reference.js'

/** What ran, or would run, and why. */
export interface BackendChoice {
  readonly name: string
  readonly device: string
  readonly reason: string
}

interface Implementation {
  readonly name: string
  /** @param where the beginning of an error's message, which is this backend's own when left out */
  readonly get: (where?: string, device?: DeviceOptions) => Backend
  /** Whether `auto` may choose it. */
  readonly automatic: boolean
}

/** Fastest first: of the automatic ones `auto` takes the first that can run here. */
const implementations: readonly Implementation[] = [
  { name: 'cuda', get: (where = 'backend cuda', device) => cuda(0, where, device), automatic: false },
  { name: 'cpu', get: () => cpu(), automatic: true },
  { name: 'reference', get: () => reference, automatic: true },
]

/** Finds a backend. A named one that cannot run is an error; only `auto` chooses, and says why.
 *  BRAUER_BACKEND replaces `auto`.
 *  @throws BrauerError `backend-unavailable`, `invalid-argument` */
export function chooseBackend(option: string, options: DeviceOptions = {}): { backend: Backend; choice: BackendChoice } {
  const forced = process.env.BRAUER_BACKEND
  const name = option === 'auto' && forced !== undefined && forced !== '' ? forced : option
  if (name !== 'auto') {
    const found = implementations.find((implementation) => implementation.name === name)
    const where = name === option ? 'backend' : 'backend (BRAUER_BACKEND)'
    const device = /^cuda:(\d+)$/.exec(name)?.[1]
    const get: Implementation['get'] | undefined =
      device === undefined ? found?.get : (from = '') => cuda(Number(device), from, options)
    if (!get)
      throw expected(
        'invalid-argument',
        where,
        ['auto', ...implementations.map((each) => each.name)].join(', '),
        show(name),
      )
    const backend = get(`${where} ${name}`, options)
    return {
      backend,
      choice: Object.freeze({
        name,
        device: backend.device,
        reason: name === option ? 'asked for' : 'asked for by BRAUER_BACKEND',
      }),
    }
  }
  const passed: string[] = []
  for (const { name: candidate, get } of implementations.filter(({ automatic }) => automatic)) {
    try {
      const backend = get(undefined, options)
      const reason = passed.length === 0 ? 'the fastest backend that is built in' : passed.join('; ')
      return { backend, choice: Object.freeze({ name: candidate, device: backend.device, reason }) }
    } catch (error) {
      if (!(error instanceof BrauerError) || error.code !== 'backend-unavailable') throw error
      passed.push(error.message)
    }
  }
  throw new BrauerError(
    'backend-unavailable',
    `backend auto: expected a backend that runs here, received: ${passed.join('; ')}`,
  )
}

/** Every backend with whether it can run here, or the reason why not. */
export function listBackends(): { readonly name: string; readonly available: boolean; readonly detail: string }[] {
  return implementations.map(({ name, get }) => {
    try {
      return { name, available: true, detail: get().device }
    } catch (error) {
      return { name, available: false, detail: error instanceof Error ? error.message : String(error) }
    }
  })
}
