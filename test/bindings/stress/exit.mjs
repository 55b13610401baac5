// The process ends during runs, in the way and after the milliseconds that the arguments name.
import { Worker } from 'node:worker_threads'
import { cpu } from '../../../dist/backends/native.js'
import { slow, slowOperands } from './programs.mjs'

const [way, delay] = [process.argv[2], Number(process.argv[3])]
const ways = {
  exit: () => process.exit(3),
  throw: () => {
    throw new Error('on purpose')
  },
  reject: () => Promise.reject(new Error('on purpose')),
  // The runs are aborted, and then nothing keeps the process alive.
  abort: () => controller.abort(),
}

const controller = new AbortController()
const start = (items) => cpu().load(slow(), 'float32').run(items, slowOperands(items), { signal: controller.signal })
if (way === 'workers') {
  for (let i = 0; i < 2; i++) new Worker(new URL('worker.mjs', import.meta.url), { workerData: { task: 'busy' } })
  setTimeout(ways.exit, delay + 60)
} else if (way === 'inside') {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { task: 'exit', delay } })
  worker.on('exit', (code) => (process.exitCode = code))
} else if (way === 'end') {
  // Only the run itself keeps the process alive.
  void start(64).then(() => (process.exitCode = 3))
} else {
  for (let i = 0; i < 6; i++) start(1024).catch((error) => (process.exitCode = error.code === 'aborted' ? 3 : 4))
  setTimeout(ways[way], delay)
}
