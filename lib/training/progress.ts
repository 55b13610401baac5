/** Shows how far a longer job has come, on stderr, once it has taken a second: one line that is drawn again on a
 *  terminal, elsewhere a new line every ten seconds. */
export class Progress {
  readonly #what: string
  readonly #total: number
  readonly #start = performance.now()
  #next = 1000
  #drawn = false

  constructor(what: string, total: number) {
    this.#what = what
    this.#total = total
  }

  update(done: number): void {
    const elapsed = performance.now() - this.#start
    if (elapsed < this.#next || done >= this.#total) return
    const live = process.stderr.isTTY
    this.#next = elapsed + (live ? 100 : 10_000)
    const rest =
      done > 0
        ? `, about ${Number(Math.ceil(((elapsed / done) * (this.#total - done)) / 1000).toPrecision(3))} s to go`
        : ''
    const text = `${this.#what}: ${done} of ${this.#total} (${Math.floor((100 * done) / this.#total)}%)${rest}`
    // \x1b[K clears what a longer line left behind.
    process.stderr.write(live ? `\r${text}\x1b[K` : `${text}\n`)
    this.#drawn = live
  }

  /** Takes the line away again. */
  end(): void {
    if (this.#drawn) process.stderr.write('\r\x1b[K')
    this.#drawn = false
  }
}
