/** Every error of this package. `code` is stable and meant for programs; the message is for people and always says
 *  what was expected, what was received and where. */
export class BrauerError extends Error {
  override readonly name = 'BrauerError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The codes are part of the public face: they are added to, never renamed. */
export type ErrorCode =
  | 'invalid-argument' // a value of the wrong type or range
  | 'unknown-option' // an option that does not exist, usually misspelt
  | 'invalid-group' // no such group, or a dimension the group does not exist for
  | 'invalid-diagram' // a key or block list that is no diagram of the group
  | 'invalid-order' // an order the space does not have, or that is no order
  | 'invalid-shape' // a tensor of the wrong shape
  | 'invalid-dtype' // a tensor of the wrong element type
  | 'invalid-buffer' // a detached, resizable, shared or too short buffer
  | 'invalid-parameters' // a parameter missing, unknown or of the wrong shape
  | 'n-too-small' // `at(n)` below the orders of an independent basis
  | 'size-overflow' // a size or offset past 2^53
  | 'invalid-program' // a program that the verifier refuses
  | 'invalid-file' // a malformed safetensors, npy or cache file
  | 'backend-unavailable' // a named backend that cannot run here
  | 'package-missing' // an optional package that is not installed
  | 'tensor-on-device' // host data of a device tensor
  | 'disposed' // use after dispose
  | 'aborted' // the AbortSignal fired
  | 'queue-full' // as many requests wait as may
  | 'closed' // a request after close
  | 'out-of-memory'
  | 'device-lost' // a device that failed and runs nothing any more in this process
  | 'internal'

/** Longest description of a value in a message. */
const longest = 120

/** Describes a value briefly for an error message, whatever it is: values that throw when looked at included. */
export function show(value: unknown): string {
  let text: string
  try {
    text = describe(value)
  } catch {
    text = `a ${typeof value} that cannot be looked at`
  }
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `function ${nameOf(value)}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) {
    // Holes are shown as what reading them gives.
    const items = Array.from(value.slice(0, 8), (item) => (Array.isArray(item) ? '[…]' : show(item)))
    return `[${items.join(', ')}${value.length > 8 ? ', …' : ''}]`
  }
  const name = nameOf((value as object).constructor)
  if (ArrayBuffer.isView(value)) return `${name}(${(value as unknown as ArrayLike<number>).length ?? value.byteLength})`
  if (name !== '' && name !== 'Object') return name
  return `{${Object.keys(value).slice(0, 8).join(', ')}}`
}

function nameOf(value: unknown): string {
  const name: unknown = typeof value === 'function' ? value.name : undefined
  return typeof name === 'string' ? name.slice(0, longest) : ''
}

/** The one sentence shape of every message: where, expected, received.
 *  @example throw expected('invalid-shape', 'forward: input of order 2', 'shape [batch, 3, 3, 8]', 'shape [4, 3, 8]') */
export function expected(code: ErrorCode, where: string, wanted: string, received: string): BrauerError {
  return new BrauerError(code, `${where}: expected ${wanted}, received ${received}`)
}
