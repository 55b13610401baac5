import type { Backend, Executable } from '../backends/backend.js'
import { expected } from '../errors.js'
import type { Compiled, ProgramName } from '../runtime/compiled.js'
import type { Dtype } from '../tensor/dtype.js'

/** The loaded programs that a layer holds, at all n that its calls have had, until it is disposed of and its last call has ended. */
export class Held {
  readonly #programs = new Map<
    Compiled,
    Partial<Record<ProgramName, { readonly executable: Executable; release(): void }>>
  >()
  #calls = 0
  #isDisposed = false

  executable(compiled: Compiled, name: ProgramName, backend: Backend, dtype: Dtype): Executable {
    let programs = this.#programs.get(compiled)
    if (!programs) this.#programs.set(compiled, (programs = {}))
    return (programs[name] ??= compiled.hold(name, backend, dtype)).executable
  }

  /** @throws BrauerError `disposed` */
  check(where: string): void {
    if (this.#isDisposed) throw expected('disposed', where, 'a live layer', 'a disposed one')
  }

  /** A call begins; what it returns ends it. */
  begin(): () => void {
    this.#calls++
    return () => {
      this.#calls--
      this.#free()
    }
  }

  dispose(): void {
    this.#isDisposed = true
    this.#free()
  }

  #free(): void {
    if (!this.#isDisposed || this.#calls > 0) return
    for (const programs of this.#programs.values()) for (const { release } of Object.values(programs)) release()
    this.#programs.clear()
  }
}
