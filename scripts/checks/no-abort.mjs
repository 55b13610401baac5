// Library code ends no process and prints nothing: it returns a status, from which TypeScript makes an error with a code.
import { addonObjects, sourceOf, symbolsOf } from '../setup/objects.mjs'

export const name = 'the native code calls neither abort nor exit and prints nothing'

const ends = ['abort', 'exit', '_exit', '_Exit', 'quick_exit', '__assert_fail', '__assert_rtn']
const prints = [
  'printf',
  'fprintf',
  'vfprintf',
  'puts',
  'fputs',
  'putchar',
  'perror',
  '__printf_chk',
  '__fprintf_chk',
  '_ZSt4cout',
  '_ZSt4cerr',
]
const forbidden = new Set([...ends, ...prints])

export function run() {
  const { objects, skip } = addonObjects()
  if (skip) return { skip }
  if (objects.length === 0) return ['no object file is in build-cmake/']
  return objects.flatMap((object) =>
    symbolsOf(object)
      .map(([type, symbol]) => [type, process.platform === 'darwin' ? symbol.replace(/^_/, '') : symbol])
      .filter(([type, symbol]) => type === 'U' && forbidden.has(symbol))
      .map(([, symbol]) => `${sourceOf(object)}: ${symbol}`),
  )
}
