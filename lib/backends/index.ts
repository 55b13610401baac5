import { BrauerError, expected, show } from '../errors.js'
import type { Backend } from './backend.js'
import { cpu } from './native.js'
import { reference } from './reference.js'

/** What ran, or would run, and why. */
export interface BackendChoice {
  readonly name: string
  readonly device: string
  readonly reason: string
}

/** Fastest first: `auto` takes the first one that can run here. */
const implementations: readonly { readonly name: string; readonly get: () => Backend }[] = [
  { name: 'cpu', get: cpu },
  { name: 'reference', get: () => reference },
]

/** Finds a backend. A named one that cannot run is an error; only `auto` chooses, and says why.
 *  BRAUER_BACKEND replaces `auto`.
 *  @throws BrauerError `backend-unavailable`, `invalid-argument` */
export function chooseBackend(option: string): { backend: Backend; choice: BackendChoice } {
  const forced = process.env.BRAUER_BACKEND
  const name = option === 'auto' && forced !== undefined && forced !== '' ? forced : option
  if (name !== 'auto') {
    const found = implementations.find((implementation) => implementation.name === name)
    const where = name === option ? 'backend' : 'backend (BRAUER_BACKEND)'
    if (!found && /^cuda(:\d+)?$/.test(name))
      throw new BrauerError('backend-unavailable', `${where} ${name}: expected a build with CUDA, received one without`)
    if (!found)
      throw expected(
        'invalid-argument',
        where,
        ['auto', ...implementations.map((each) => each.name)].join(', '),
        show(name),
      )
    const backend = found.get()
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
  for (const { name: candidate, get } of implementations) {
    try {
      const backend = get()
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
