import { fresh, record, type Rule, type Value } from './value.js'

/** Channels `from` to `from + count` of [rows…, channels]. */
export function takeChannels(value: Value, from: number, count: number): Value {
  const channels = value.shape.at(-1)!
  if (from === 0 && count === channels) return value
  const rows = channels === 0 ? 0 : value.size / channels
  const rule: Rule = {
    form: { kind: 'take', from, count },
    run: ([data]) => {
      const out = fresh(value.dtype, rows * count)
      for (let row = 0; row < rows; row++)
        for (let c = 0; c < count; c++) out[row * count + c] = data![row * channels + from + c]!
      return [out]
    },
    adjoint: ([g]) => [joinChannels([from, g!, channels - from - count])],
  }
  return record(rule, [value], [[...value.shape.slice(0, -1), count]])[0]!
}

/** Values with the same rows side by side in their channels; a number stands for so many channels of zeros. */
export function joinChannels(parts: readonly (Value | number)[]): Value {
  const values = parts.filter((part) => typeof part !== 'number')
  const [first] = values as [Value]
  if (parts.every((part) => part === first || part === 0)) return first
  const widths = parts.map((part) => (typeof part === 'number' ? part : part.shape.at(-1)!))
  const width = widths.reduce((a, b) => a + b, 0)
  const rows = first.size / first.shape.at(-1)!
  const rule: Rule = {
    form: { kind: 'join', parts: parts.map((part) => (typeof part === 'number' ? part : 'input')) },
    run: (inputs) => {
      const out = fresh(first.dtype, rows * width).fill(0)
      let [at, next] = [0, 0]
      parts.forEach((part, p) => {
        const count = widths[p]!
        if (typeof part !== 'number') {
          const data = inputs[next++]!
          for (let row = 0; row < rows; row++)
            for (let c = 0; c < count; c++) out[row * width + at + c] = data[row * count + c]!
        }
        at += count
      })
      return [out]
    },
    adjoint: ([g]) => {
      let at = 0
      return parts.flatMap((part, p) => {
        at += widths[p]!
        return typeof part === 'number' ? [] : [takeChannels(g!, at - widths[p]!, widths[p]!)]
      })
    },
  }
  return record(rule, values, [[...first.shape.slice(0, -1), width]])[0]!
}
