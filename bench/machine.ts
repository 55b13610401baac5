import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { blasText } from '../dist/backends/blas.js'
import { cpuInfo } from '../dist/index.js'
import { allocator } from './contenders/python.js'

/** Where a measurement was made. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** '' without the addon. */
  readonly isa: string
  /** The installed BLAS that multiplies where one does, with its products. */
  readonly blas?: string
  readonly threads: number
  readonly platform: string
  readonly node: string
  readonly version: string
  /** '' where git or the repository is missing; with '+' where files differ from it. */
  readonly commit: string
  /** Versions of the libraries of the outside contenders, those that are installed. */
  readonly outside?: Readonly<Record<string, string>>
  /** What the environment of Python contenders is given. */
  readonly python?: Readonly<Record<string, string>>
}

export function describeMachine(threads: number): Machine {
  const root = new URL('..', import.meta.url)
  const info = native()
  const cores = cpus()
  return {
    cpu: info?.cpu ?? cores[0]?.model ?? 'unknown',
    cores: cores.length,
    isa: info?.isa ?? '',
    ...(info?.blas.library === undefined ? {} : { blas: blasText(info.blas) }),
    threads,
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    version: (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }).version,
    commit: commit(root),
    outside: outsideVersions(),
    python: allocator,
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

/** Asked of the package managers' records: to load a library takes seconds. */
function outsideVersions(): Record<string, string> {
  const versions: Record<string, string> = {}
  const script = `
import importlib.metadata as m
for name in ('torch', 'jax'):
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass`
  for (const line of spawnSync('python3', ['-c', script], { encoding: 'utf8' }).stdout?.split('\n') ?? []) {
    const [name, version] = line.trim().split(' ')
    if (name && version) versions[name] = version
  }
  for (const name of ['onnxruntime-node', '@tensorflow/tfjs-backend-wasm']) {
    try {
      const path = new URL(`../bench/node_modules/${name}/package.json`, import.meta.url)
      versions[name] = (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
    } catch {
      continue
    }
  }
  return versions
}

function commit(root: URL): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head.status !== 0) return ''
  return head.stdout.trim() + (git('status', '--porcelain').stdout.trim() === '' ? '' : '+')
}
