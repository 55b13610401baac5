import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { ContenderError } from './contender.js'

export interface Message {
  readonly header: Readonly<Record<string, unknown>>
  readonly arrays: Readonly<Record<string, Float32Array>>
}

export interface Shaped {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** What a worker process needs to be one. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A worker that gave no answer in time, and was ended. */
export class LateError extends ContenderError {}

/** A worker process and its protocol: a message is the length of its header in bytes and the number of its elements, both
 *  little-endian and of 32 bits; the header in JSON, which lists the arrays by name and shape; and their elements. One request
 *  at a time. Between requests it does not keep this process alive, and it ends with it. */
export class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  #chunks: Buffer[] = []
  #length = 0
  #waiting: { readonly resolve: (message: Message) => void; readonly reject: (error: Error) => void } | undefined
  #ended: ContenderError | undefined
  #complaints = ''

  constructor({ program, args, env }: Command) {
    this.#process = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdin, stdout, stderr } = this.#process
    stdout.on('data', (chunk: Buffer) => this.#take(chunk))
    stderr.on('data', (chunk: Buffer) => (this.#complaints = (this.#complaints + chunk.toString()).slice(-2000)))
    // Its end is told by 'close'; a pipe that breaks before is no news.
    stdin.on('error', () => undefined)
    this.#process.on('error', (error) => this.#end(new ContenderError(error.message)))
    this.#process.on('close', (code, signal) => {
      const last = this.#complaints.trim().split('\n').at(-1)
      this.#end(new ContenderError(`${program} ended with ${signal ?? `status ${code}`}${last ? `: ${last}` : ''}`))
    })
    this.#keep(false)
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** The next message: an answer, or what the worker says when it starts. A worker that is late is ended.
   *  @throws ContenderError when the worker fails or ends, LateError */
  async receive(seconds: number): Promise<Message> {
    if (this.#ended) throw this.#ended
    this.#keep(true)
    const timer = setTimeout(() => {
      this.#end(new LateError(`no answer within ${seconds} s`))
      this.#process.kill('SIGKILL')
    }, 1e3 * seconds)
    try {
      const message = await new Promise<Message>((resolve, reject) => {
        this.#waiting = { resolve, reject }
        this.#deliver()
      })
      const { error } = message.header
      if (typeof error === 'string') throw new ContenderError(error)
      return message
    } finally {
      clearTimeout(timer)
      this.#waiting = undefined
      this.#keep(false)
    }
  }

  /** Sends a request and waits for its answer. @throws ContenderError */
  async request(header: object, arrays: Readonly<Record<string, Shaped>>, seconds: number): Promise<Message> {
    if (this.#ended) throw this.#ended
    const entries = Object.entries(arrays)
    const text = Buffer.from(JSON.stringify({ ...header, arrays: entries.map(([name, { shape }]) => [name, shape]) }))
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32LE(text.length, 0)
    lengths.writeUInt32LE(entries.reduce((sum, [, { data }]) => sum + data.length, 0), 4) // prettier-ignore
    this.#process.stdin.write(Buffer.concat([lengths, text]))
    for (const [, { data }] of entries)
      this.#process.stdin.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    return await this.receive(seconds)
  }

  /** Ends the worker. */
  kill(): void {
    this.#end(new ContenderError('ended'))
    this.#process.kill('SIGKILL')
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    this.#deliver()
  }

  #deliver(): void {
    if (!this.#waiting || this.#length < 8) return
    const head = this.#chunks[0]!.length >= 8 ? this.#chunks[0]! : this.#join()
    const [text, elements] = [head.readUInt32LE(0), head.readUInt32LE(4)]
    const total = 8 + text + 4 * elements
    if (this.#length < total) return
    const whole = this.#join()
    // One request at a time: nothing follows its answer.
    this.#chunks = []
    this.#length = 0
    const header = JSON.parse(whole.toString('utf8', 8, 8 + text)) as { arrays: [string, number[]][] }
    // A copy of its own: the elements may lie at any byte.
    const data = new Float32Array(whole.buffer.slice(whole.byteOffset + 8 + text, whole.byteOffset + total))
    let at = 0
    const arrays = header.arrays.map(([name, shape]): [string, Float32Array] => {
      const size = shape.reduce((a, b) => a * b, 1)
      return [name, data.subarray(at, (at += size))]
    })
    this.#waiting.resolve({ header, arrays: Object.fromEntries(arrays) })
  }

  #join(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  #end(reason: ContenderError): void {
    this.#ended ??= reason
    this.#waiting?.reject(this.#ended)
  }

  /** Whether this process waits for the worker. */
  #keep(alive: boolean): void {
    const { stdin, stdout, stderr } = this.#process
    const handles = [this.#process, ...([stdin, stdout, stderr] as unknown as Socket[])]
    for (const handle of handles) {
      if (alive) handle.ref()
      else handle.unref()
    }
  }
}
