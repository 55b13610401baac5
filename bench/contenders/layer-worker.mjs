// Runs layers of this package in a process of their own, whose environment chooses the instruction set. The messages are those of
// ../python/worker.py, which describes them.
import { writeSync } from 'node:fs'
import { cpuInfo, groupFrom, linear, tensor } from '../../dist/index.js'

const runs = new Map()

const answer = {
  prepare({ handle, case: { group, input, output, bias, layout, batch }, items, threads, outputs }, arrays) {
    const layer = linear(groupFrom(group), input, output, {
      bias,
      layout,
      threads,
      expectedBatch: batch,
      backend: 'cpu',
    })
    const tensors = (tag) =>
      Object.fromEntries(
        arrays.filter(([name]) => name[0] === tag).map(([name, ...of]) => [name.slice(1), tensor(...of)]),
      )
    layer.load(tensors('='))
    const x = Object.fromEntries(Object.entries(tensors('<')).map(([name, value]) => [name.slice(1), value]))
    // What a run leaves unwritten then shows as no number.
    const y = outputs.map(([order, shape]) => [
      order,
      tensor(new Float32Array(shape.reduce((a, b) => a * b, items)).fill(NaN), [items, ...shape]),
    ])
    const call = { out: Object.fromEntries(y) }
    runs.set(handle, { run: () => void layer.forwardSync(x, call), y })
    return {}
  },
  time({ handle, repeats }) {
    const { run } = runs.get(handle)
    const start = performance.now()
    for (let i = 0; i < repeats; i++) run()
    return { ms: performance.now() - start }
  },
  output: ({ handle }) => [{}, runs.get(handle).y.map(([order, { data, shape }]) => [`y${order}`, data, shape])],
  close({ handle }) {
    runs.delete(handle)
    return {}
  },
}

function send(header, arrays = []) {
  const text = Buffer.from(JSON.stringify({ ...header, arrays: arrays.map(([name, , shape]) => [name, shape]) }))
  const lengths = Buffer.alloc(8)
  lengths.writeUInt32LE(text.length, 0)
  lengths.writeUInt32LE(
    arrays.reduce((sum, [, data]) => sum + data.length, 0),
    4,
  )
  for (const part of [
    lengths,
    text,
    ...arrays.map(([, data]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  ])
    for (let at = 0; at < part.length;) at += writeSync(1, part, at)
}

function serve(header, arrays) {
  try {
    send(...[answer[header.what](header, arrays)].flat())
  } catch (error) {
    send({ error: error.message })
  }
}

send({ version: cpuInfo().isa })
let [chunks, length] = [[], 0]
for await (const chunk of process.stdin) {
  chunks.push(chunk)
  length += chunk.length
  while (length >= 8) {
    const head = chunks[0].length >= 8 ? chunks[0] : (chunks = [Buffer.concat(chunks)])[0]
    const [text, total] = [head.readUInt32LE(0), 8 + head.readUInt32LE(0) + 4 * head.readUInt32LE(4)]
    if (length < total) break
    const whole = Buffer.concat(chunks)
    chunks = [whole.subarray(total)]
    length -= total
    const header = JSON.parse(whole.toString('utf8', 8, 8 + text))
    const data = new Float32Array(whole.buffer.slice(whole.byteOffset + 8 + text, whole.byteOffset + total))
    let at = 0
    serve(
      header,
      header.arrays.map(([name, shape]) => [name, data.subarray(at, (at += shape.reduce((a, b) => a * b, 1))), shape]),
    )
  }
}
