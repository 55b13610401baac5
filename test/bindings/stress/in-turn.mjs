// The addon is only ever loaded by workers, one after the other. Node unloads it in between, but its code must stay: threads of
// its pool still stand in it, and crash when they are woken, which no number of tries makes sure of.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

for (let i = 0; i < 20; i++) {
  const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { task: 'once' } })
  const exit = once(worker, 'exit')
  const [message] = await once(worker, 'message')
  if (message !== 'done') throw new Error(`worker ${i}: expected done, received ${message}`)
  const [code] = await exit
  if (code !== 0) throw new Error(`worker ${i}: expected exit code 0, received ${code}`)
}
await sleep(50)
if (process.platform === 'linux' && !readFileSync('/proc/self/maps', 'utf8').includes('brauer.node')) {
  throw new Error('expected the addon to stay mapped, received none in /proc/self/maps')
}
console.log('ok 20 workers in turn')
