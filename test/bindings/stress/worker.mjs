// What the scripts beside this file run in their workers: `workerData.task` names it.
import { parentPort, workerData } from 'node:worker_threads'
import { cpu } from '../../../dist/backends/native.js'
import { check, checkScaling, scaling, slow, slowOperands } from './programs.mjs'

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
