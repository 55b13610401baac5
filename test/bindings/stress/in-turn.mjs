// The addon is only ever loaded by workers, one after the other; Node may unload it in between.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { setTimeout as sleep } from 'node:timers/promises'

for (let i = 0; i < 20; i++) {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { task: 'once' } })
  const exit = once(worker, 'exit')
  const [message] = await once(worker, 'message')
  if (message !== 'done') throw new Error(`worker ${i}: expected done, received ${message}`)
  const [code] = await exit
  if (code !== 0) throw new Error(`worker ${i}: expected exit code 0, received ${code}`)
}
await sleep(50)
console.log('ok 20 workers in turn')
