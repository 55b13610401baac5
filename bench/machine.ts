import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { cpuInfo } from '../dist/index.js'

/** Where a measurement was made. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** '' without the addon. */
  readonly isa: string
  readonly threads: number
  readonly platform: string
  readonly node: string
  readonly version: string
  /** '' where git or the repository is missing; with '+' where files differ from it. */
  readonly commit: string
}

export function describeMachine(threads: number): Machine {
  const root = new URL('..', import.meta.url)
  const info = native()
  const cores = cpus()
  return {
    cpu: info?.cpu ?? cores[0]?.model ?? 'unknown',
    cores: cores.length,
    isa: info?.isa ?? '',
    threads,
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    version: (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }).version,
    commit: commit(root),
  }
}

/** What a run uses where no count is asked for. */
export function defaultThreads(): number {
  return native()?.threads ?? 1
}

function native(): ReturnType<typeof cpuInfo> | undefined {
  try {
    return cpuInfo()
  } catch {
    return undefined
  }
}

function commit(root: URL): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head.status !== 0) return ''
  return head.stdout.trim() + (git('status', '--porcelain').stdout.trim() === '' ? '' : '+')
}
