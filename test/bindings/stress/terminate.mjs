// Workers are terminated at random moments of their lives: while they load, run, or wait for their runs (`busy`); or in the middle of calls that
// make objects (`calls`).
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { check, checkScaling, randomness, sleep } from './programs.mjs'

const [task = 'busy'] = process.argv.slice(2)
// Under a sanitizer a worker takes long to start.
const times = task === 'calls' && process.env.LD_PRELOAD ? 80 : 200
const random = randomness(7)
let running = 0
let slowest = 0

async function oneByOne(count) {
  for (let i = 0; i < count; i++) {
    const worker = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { task } })
    let started = false
    const message = once(worker, 'message').then(() => (started = true))
    // Most of them during their runs; every fourth wherever it happens to be.
    if (i % 4 === 0) await sleep(random() * 80)
    else await message.then(() => sleep(random() * 40))
    if (started) running++
    const start = performance.now()
    await worker.terminate()
    slowest = Math.max(slowest, performance.now() - start)
  }
}

await Promise.all([oneByOne(times / 2), oneByOne(times / 2)])
await checkScaling()
check(running >= times / 2, `expected most of ${times} terminations during a run, received ${running}`)
console.log(`ok ${times} terminated, ${running} during a run, the slowest in ${slowest.toFixed(0)} ms`)
