// Handles are dropped, disposed of and collected while their runs go on, and nothing of them stays behind. Needs --expose-gc.
import { cpu } from '../../../dist/backends/native.js'
import { check, scaling, sleep, slow, slowAnswer, slowOperands } from './programs.mjs'

// Long enough for what happens meanwhile; a sanitizer takes ten times as long.
const items = process.env.LD_PRELOAD ? 8 : 64
const load = () => cpu().load(slow(), 'float32')
for (let i = 0; i < 5; i++) {
  const [x, y] = slowOperands(items)
  const runs = [load().run(items, [x, y])]
  const disposed = load()
  const outputs = [1, 2, 3].map(() => new Float32Array(y.length))
  runs.push(...outputs.map((output) => disposed.run(items, [x, output])))
  disposed.dispose()
  await sleep(1)
  globalThis.gc()
  await Promise.all(runs)
  for (const output of [y, ...outputs])
    check(
      output.every((value) => value === slowAnswer),
      `expected ${slowAnswer} everywhere`,
    )
}

// 4,000 programs of 80 KB would be 320 MB.
const big = { ...scaling(8), constants: new Float64Array(10000) }
const grown = async (use) => {
  globalThis.gc()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 2000; i++) {
    use(cpu().load(big, 'float32'))
    if (i % 200 === 0) await sleep(0)
  }
  globalThis.gc()
  await sleep(0)
  return (process.memoryUsage().rss - before) / 2 ** 20
}
const kept = await grown((executable) => executable.dispose())
const collected = await grown(() => {})
// A sanitizer keeps freed memory for a while on purpose.
const most = process.env.LD_PRELOAD ? Infinity : 150
check(
  kept < most && collected < most,
  `expected below ${most} MiB to stay, received ${kept} disposed of, ${collected} collected`,
)
console.log(
  `ok lifetimes; 2000 programs left ${kept.toFixed(0)} MiB disposed of, ${collected.toFixed(0)} MiB collected`,
)
