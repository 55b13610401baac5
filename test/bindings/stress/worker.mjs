// What the scripts beside this file run in their workers: `workerData.task` names it.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { cpu } from '../../../dist/backends/native.js'
import { encode } from '../../../dist/program/encode.js'
import { check, checkScaling, scaling, sleep, slow, slowOperands } from './programs.mjs'

const tasks = {
  /** Never ends by itself: more runs in flight than there are threads for them, and short calls on this thread between. */
  async busy() {
    const executable = cpu().load(slow(), 'float32')
    const runs = Array.from({ length: 5 }, () => executable.run(400, slowOperands(400)))
    parentPort.postMessage('running')
    const short = cpu().load(scaling(64), 'float32')
    const operands = [new Float32Array(64), new Float32Array(64)]
    for (let i = 0; i < 1000; i++) short.runSync(1, operands)
    await Promise.all(runs)
  },
  /** Never ends by itself: the addon is loaded anew and asked for everything that makes objects. A call that a termination meets fails
   *  wherever it is, and every call of Node-API after it. */
  async calls() {
    const require = createRequire(import.meta.url)
    const path = require('node-gyp-build').path(fileURLToPath(new URL('../../..', import.meta.url)))
    const words = encode(scaling(8))
    const operands = [new Float32Array(8), new Float32Array(8)]
    parentPort.postMessage('running')
    for (;;) {
      delete require.cache[path]
      const addon = require(path)
      for (let i = 0; i < 10; i++) {
        for (const call of ['info', 'cuda', 'installedBlas']) addon[call]()
        addon.cudaEstimate(words, 0, 'h200', 4)
        const program = addon.load(words, 0, 1)
        addon.work(program, 1, 1)
        addon.runSync(program, 1, operands, 1)
        addon.run(program, 1, operands, 1, () => {})
        addon.dispose(program)
        addon.load(words, 9, 1)
      }
      await sleep(0)
    }
  },
  async once() {
    await checkScaling()
    parentPort.postMessage('done')
  },
  async many() {
    const executable = cpu().load(scaling(1000), 'float32')
    const inputs = [1, 2, 3].map((value) => new Float32Array(5000).fill(value + workerData.offset))
    for (let i = 0; i < 40; i++) {
      const outputs = inputs.map(() => new Float32Array(5000))
      await Promise.all(inputs.map((x, k) => executable.run(5, [x, outputs[k]])))
      outputs.forEach((y, k) =>
        check(
          y.every((value) => value === 2 * inputs[k][0]),
          `worker ${workerData.offset}: wrong answer in round ${i}`,
        ),
      )
    }
    parentPort.postMessage('done')
  },
  async exit() {
    void cpu().load(slow(), 'float32').run(1024, slowOperands())
    setTimeout(() => process.exit(3), workerData.delay)
  },
}

await tasks[workerData.task]()
