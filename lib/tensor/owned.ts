import { markAsUntransferable } from 'node:worker_threads'
import { BrauerError } from '../errors.js'

const buffers = new WeakSet<ArrayBufferLike>()

/** Makes a buffer safe to use off the event loop without a copy: nothing can transfer it away any more. A backend that
 *  runs asynchronously copies every other buffer first, because memory that is given to another thread or freed under a
 *  running kernel is a crash. */
export function own<B extends ArrayBuffer>(buffer: B): B {
  if (buffers.has(buffer)) return buffer
  markAsUntransferable(buffer)
  // The mark only binds postMessage and structuredClone; the methods that newer engines have detach all the same.
  for (const name of ['transfer', 'transferToFixedLength']) {
    if (name in buffer && !Reflect.defineProperty(buffer, name, { value: refuse })) return buffer
  }
  buffers.add(buffer)
  return buffer
}

/** Whether `own` was called on this buffer. */
export function owned(buffer: ArrayBufferLike): boolean {
  return buffers.has(buffer)
}

function refuse(): never {
  throw new BrauerError(
    'invalid-buffer',
    'transfer: expected a buffer of your own, received the buffer of a tensor; copy it with slice() first',
  )
}
