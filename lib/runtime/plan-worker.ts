import { parentPort } from 'node:worker_threads'
import { BrauerError } from '../errors.js'
import { groupFrom } from '../groups/index.js'
import { compile } from './compiled.js'
import type { Specification } from './specification.js'

/** What crosses to the worker: groups as text. */
export type Request = Omit<Specification, 'group' | 'basisGroup'> & {
  readonly group: string
  readonly basisGroup: string
}

// Plans one specification and hands the programs over without copying them.
parentPort?.once('message', (request: Request) => {
  try {
    const specification = { ...request, group: groupFrom(request.group), basisGroup: groupFrom(request.basisGroup) }
    const serialized = compile(specification).serialize()
    const buffers = Object.values(serialized.programs).map((words) => words.buffer as ArrayBuffer)
    parentPort?.postMessage({ serialized }, buffers)
  } catch (error) {
    const code = error instanceof BrauerError ? error.code : 'internal'
    parentPort?.postMessage({ failure: { code, message: error instanceof Error ? error.message : String(error) } })
  }
})
