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
  | 'tensor-on-device' // host data of a device tensor
  | 'disposed' // use after dispose
  | 'aborted' // the AbortSignal fired
  | 'out-of-memory'
  | 'internal'

/** Describes a value briefly for an error message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? value.slice(0, 57) + '...' : value)
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map((item) => (Array.isArray(item) ? '[…]' : show(item)))
    return `[${items.join(', ')}${value.length > 8 ? ', …' : ''}]`
  }
  if (ArrayBuffer.isView(value))
    return `${value.constructor.name}(${(value as unknown as ArrayLike<number>).length ?? value.byteLength})`
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'object' && value !== null) {
    const name = value.constructor?.name
    return name && name !== 'Object' ? name : `{${Object.keys(value).slice(0, 8).join(', ')}}`
  }
  return String(value)
}

/** The one sentence shape of every message: where, expected, received.
 *  @example throw expected('invalid-shape', 'forward: input of order 2', 'shape [batch, 3, 3, 8]', 'shape [4, 3, 8]') */
export function expected(code: ErrorCode, where: string, wanted: string, received: string): BrauerError {
  return new BrauerError(code, `${where}: expected ${wanted}, received ${received}`)
}
