// Two workers and the main thread use the addon at the same time.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { check, checkScaling } from './programs.mjs'

const workers = [10, 20].map(
  (offset) => new Worker(new URL('worker.mjs', import.meta.url), { workerData: { task: 'many', offset } }),
)
const codes = Promise.all(workers.map((worker) => once(worker, 'exit')))
let left = workers.length
for (const worker of workers) worker.on('exit', () => left--)
let own = 0
while (left > 0) {
  await checkScaling(20)
  own++
}
for (const [code] of await codes) check(code === 0, `expected exit code 0, received ${code}`)
check(own > 2, `expected runs of the main thread meanwhile, received ${own}`)
console.log(`ok 2 workers, ${own} runs of the main thread meanwhile`)
