import type { Problem } from '../problem.js'
import { Child, LateError, type Command, type Shaped } from './child.js'
import type { Contender, Prepared, Skip } from './contender.js'

/** How a problem is told to a worker. */
export interface Task {
  readonly header: object
  readonly constants: Readonly<Record<string, Shaped>>
}

export interface WorkerContender extends Pick<Contender, 'name' | 'summary'> {
  /** The process that serves this many threads. */
  command(threads: number): Command
  /** How to install what the worker does not find. */
  readonly install: string
  /** Why the problem is not for it. */
  limit?(problem: Problem): string | undefined
  task(problem: Problem): Task
}

const mostSeconds = { start: 120, prepare: 180, run: 120 }
/** OpenMP threads spin for some milliseconds after their work before they sleep. */
const settle = 15

const workers = new Map<string, Child>()
let handles = 0

/** A contender that lives in a process of its own, which serves all cases; a new one takes the place of one that failed. */
export function workerContender(of: WorkerContender): Contender {
  const { name, summary } = of
  return {
    name,
    summary,
    async prepare(problem): Promise<Prepared | Skip> {
      const reason = of.limit?.(problem)
      if (reason !== undefined) return { skip: reason }
      const child = await start(of, problem.threads)
      if (!(child instanceof Child)) return child
      const handle = handles++
      const { header, constants } = of.task(problem)
      try {
        const arrays = { ...tagged('<', inputsOf(problem)), ...tagged('=', constants) }
        const answer = await child.request({ ...header, what: 'prepare', handle }, arrays, mostSeconds.prepare)
        if (typeof answer.header['skip'] === 'string') return { skip: answer.header['skip'] }
      } catch (error) {
        if (error instanceof LateError) return { skip: `not ready after ${mostSeconds.prepare} s` }
        throw error
      }
      return {
        settle,
        async time(repeats) {
          const answer = await child.request({ what: 'time', handle, repeats }, {}, mostSeconds.run)
          return answer.header['ms'] as number
        },
        async output() {
          const { arrays } = await child.request({ what: 'output', handle }, {}, mostSeconds.run)
          return Object.fromEntries(Object.entries(arrays).map(([key, data]) => [key.slice(1), data]))
        },
        async close() {
          if (!child.ended) await child.request({ what: 'close', handle }, {}, mostSeconds.run)
        },
      }
    },
  }
}

/** Ends all workers; they end by themselves with this process. */
export function endWorkers(): void {
  for (const child of workers.values()) child.kill()
  workers.clear()
}

/** The worker of a contender, or what it lacks. */
async function start({ name, command, install }: WorkerContender, threads: number): Promise<Child | Skip> {
  const key = `${name}, ${threads}`
  const running = workers.get(key)
  if (running && !running.ended) return running
  const child = new Child(command(threads))
  const missing = await child.receive(mostSeconds.start).then(
    ({ header }) => header['missing'],
    (error: Error) => (error instanceof LateError ? error.message : /ENOENT/.test(error.message) ? '' : error),
  )
  if (missing instanceof Error) throw missing
  if (missing === undefined) {
    workers.set(key, child)
    return child
  }
  child.kill()
  return { skip: missing === '' ? `not installed: ${command(threads).program}` : `not installed: ${install}` }
}

function tagged(tag: string, arrays: Readonly<Record<string, Shaped>>): Record<string, Shaped> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [tag + name, array]))
}

function inputsOf({ inputs, x, batch }: Problem): Record<string, Shaped> {
  return Object.fromEntries(
    inputs.map(({ order, shape }) => [`x${order}`, { shape: [batch, ...shape], data: x[order]! }]),
  )
}
