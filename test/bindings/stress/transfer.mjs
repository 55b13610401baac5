// Buffers are given away while an asynchronous run works on them. Needs --expose-gc, so that what was given away is freed at once.
import { cpu } from '../../../dist/backends/native.js'
import { own } from '../../../dist/tensor/owned.js'
import { check, slow, slowAnswer, slowOperands } from './programs.mjs'

// Long enough for what happens meanwhile; a sanitizer takes ten times as long.
const items = process.env.LD_PRELOAD ? 16 : 128
const executable = cpu().load(slow(), 'float32')
const giveAway = (data) => void structuredClone(data.buffer, { transfer: [data.buffer] })

for (let i = 0; i < 3; i++) {
  // A foreign input: the run works on a copy.
  {
    const [x, y] = slowOperands(items)
    const run = executable.run(items, [x, y])
    giveAway(x)
    globalThis.gc()
    check(x.length === 0, 'expected the input to be gone')
    await run
    check(
      y.every((value) => value === slowAnswer),
      `expected ${slowAnswer}, received ${y.find((value) => value !== slowAnswer)}`,
    )
  }
  // A foreign output: the run ends, and says that there is nowhere to write to.
  {
    const [x, y] = slowOperands(items)
    const run = executable.run(items, [x, y])
    giveAway(y)
    globalThis.gc()
    const error = await run.then(
      () => undefined,
      (reason) => reason,
    )
    check(
      error?.code === 'invalid-buffer' && /operand 1 \(output\)/.test(error.message),
      `expected invalid-buffer, received ${error}`,
    )
  }
  // Buffers of tensors stay where they are, whichever way somebody tries.
  {
    const [x, y] = slowOperands(items)
    for (const data of [x, y]) own(data.buffer)
    const run = executable.run(items, [x, y])
    for (const data of [x, y]) {
      const { length } = data
      for (const steal of [
        () => giveAway(data),
        () => data.buffer.transfer?.(),
        () => data.buffer.transferToFixedLength?.(1),
      ]) {
        try {
          steal()
        } catch (error) {
          check(
            error.name === 'DataCloneError' || error.code === 'invalid-buffer',
            `expected a refusal, received ${error}`,
          )
        }
        check(data.length === length, 'expected the buffer to stay')
      }
    }
    globalThis.gc()
    await run
    check(
      y.every((value) => value === slowAnswer),
      `expected ${slowAnswer} everywhere`,
    )
  }
}
console.log('ok transferred')
