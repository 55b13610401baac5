import { runInNewContext } from 'node:vm'
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects what nobody holds any longer, as far as the engine sees that; finalizers run in a later turn. */
export async function collect(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    gc()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
