import { Worker } from 'node:worker_threads'
import { BrauerError, type ErrorCode } from '../errors.js'
import { compile, isCompiled, type Compiled, type Serialized } from './compiled.js'
import type { Request } from './plan-worker.js'
import type { Specification } from './specification.js'

type Answer =
  { readonly serialized: Serialized } | { readonly failure: { readonly code: ErrorCode; readonly message: string } }

/** `compile` on a thread of its own; only loading the finished programs is left for the caller's thread. */
export async function compileInWorker(specification: Specification): Promise<Compiled> {
  if (isCompiled(specification)) return compile(specification)
  const { group, basisGroup, ...rest } = specification
  const request: Request = { ...rest, group: group.toString(), basisGroup: basisGroup.toString() }
  const worker = new Worker(new URL('./plan-worker.js', import.meta.url), { execArgv: [] })
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', (code) =>
        reject(new BrauerError('internal', `planner: expected an answer, received exit code ${code}`)),
      )
      worker.postMessage(request)
    })
    if ('failure' in answer) throw new BrauerError(answer.failure.code, answer.failure.message)
    return compile(specification, answer.serialized)
  } finally {
    await worker.terminate()
  }
}
