/** Rows of text as columns, two spaces apart; the last column is not padded. Every row is one line. */
export function table(texts: readonly (readonly string[])[]): string {
  const rows = texts.map((row) => row.map(oneLine))
  const widths: number[] = []
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)))
  }
  return rows
    .map((row) => row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell)).join('  '))
    .join('\n')
}

/** Text of several lines, such as a loader's message, on one. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}

/** 1536 -> '1.5 KiB'. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : three(value)} ${units[unit]}`
}

/** 1234567 -> '1.23 M', for rates. */
export function countText(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T']
  let scaled = value
  let unit = 0
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${three(scaled)}${units[unit]}`
}

export function secondsText(seconds: number): string {
  if (seconds >= 1) return `${three(seconds)} s`
  return seconds >= 1e-3 ? `${three(seconds * 1e3)} ms` : `${three(seconds * 1e6)} µs`
}

/** Three significant digits, without an exponent. */
function three(value: number): string {
  return String(Number(value.toPrecision(3)))
}
