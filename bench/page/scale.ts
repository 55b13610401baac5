/** Values on a logarithmic axis as pixels, and back. */
export interface LogScale {
  readonly domain: readonly [number, number]
  readonly range: readonly [number, number]
}

export function toPixel({ domain: [low, high], range: [from, to] }: LogScale, value: number): number {
  return from + ((to - from) * Math.log(value / low)) / Math.log(high / low)
}

export function toValue({ domain: [low, high], range: [from, to] }: LogScale, pixel: number): number {
  return low * (high / low) ** ((pixel - from) / (to - from))
}

/** Ticks of a logarithmic axis: powers of ten, with 2 and 5 between them where the range has fewer than three powers. */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const first = Math.floor(Math.log10(low))
  const exponents = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => first + i)
  const within = (steps: readonly number[]): number[] =>
    exponents
      .flatMap((exponent) => steps.map((step) => Number(`${step}e${exponent}`)))
      .filter((tick) => tick >= low * 0.999 && tick <= high * 1.001)
  const powers = within([1])
  return powers.length >= 3 ? powers : within([1, 2, 5])
}

/** 0.001, 20, 5k, 1M. */
export function tickText(value: number): string {
  if (value >= 1e6) return `${short(value / 1e6)}M`
  return value >= 1e4 ? `${short(value / 1e3)}k` : short(value)
}

/** Milliseconds as '20 ns', '5 µs', '1 s'. */
export function timeText(ms: number): string {
  if (ms >= 999.5) return `${short(ms / 1e3)} s`
  if (ms >= 0.9995) return `${short(ms)} ms`
  return ms >= 0.9995e-3 ? `${short(ms * 1e3)} µs` : `${short(ms * 1e6)} ns`
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** The smallest range that holds all values, a little wider on both sides. */
export function around(values: readonly number[], factor: number): [number, number] {
  return [Math.min(...values) / factor, Math.max(...values) * factor]
}
