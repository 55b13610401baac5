/** What a refusal must be: a BrauerError whose message says where, what was expected and what was received. */
import { BrauerError, type ErrorCode } from '../../lib/index.js'

type Part = string | RegExp

export interface Refusal {
  readonly code: ErrorCode
  readonly where: Part
  readonly expected: Part
  readonly received: Part
}

/** Longer messages are no help to anybody, whatever was passed. */
const longest = 1500

/** Throws unless the call is refused as described. */
export function refuses(call: () => unknown, refusal: Refusal): void {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    return judge(error, refusal)
  }
  throw new Error(`expected ${refusal.code}, received a result: ${String(result)}`)
}

/** The same for a call that returns a promise: it must not throw before it returns. */
export async function refusesAsync(call: () => Promise<unknown>, refusal: Refusal): Promise<void> {
  const promise = call()
  await promise.then(
    (result) => {
      throw new Error(`expected ${refusal.code}, received a result: ${String(result)}`)
    },
    (error: unknown) => judge(error, refusal),
  )
}

/** Throws unless this is an error of the package. */
export function judge(error: unknown, { code, where, expected, received }: Partial<Refusal>): void {
  if (!(error instanceof BrauerError))
    throw new Error(`expected a BrauerError, received ${String(error)}`, { cause: error })
  const { message } = error
  if (code !== undefined && error.code !== code)
    throw new Error(`expected the code ${code}, received ${error.code}: ${message}`)
  if (message.length > longest)
    throw new Error(`expected a message of at most ${longest} characters, received ${message.length}`)
  const parts = /^(.+?): expected (.+?), received (.+)$/s.exec(message)
  if (!parts) throw new Error(`expected a message "where: expected …, received …", received ${message}`)
  for (const [i, part] of [where, expected, received].entries()) {
    if (part === undefined) continue
    const text = parts[i + 1] as string
    if (typeof part === 'string' ? !text.includes(part) : !part.test(text))
      throw new Error(`expected ${String(part)} in the message, received ${JSON.stringify(message)}`)
  }
}
