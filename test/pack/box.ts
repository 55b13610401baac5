import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..', '..')
const environment = { ...process.env, PREBUILDS_ONLY: '1', NODE_OPTIONS: '' }

/** An empty folder in which the packed tarball has been installed as a user would install it, prebuilt binary included. */
export interface Box {
  readonly folder: string
  /** Paths in the tarball. */
  readonly packed: readonly string[]
  /** Where the installed package lies. */
  readonly installed: string
  /** Writes a program into the folder and returns what `node` prints for it. */
  node(name: string, source: string): string
  /** The same for an installed command, found as npx finds it. */
  command(name: string, ...args: string[]): string
  /** Type-checks a file that imports the package; returns what tsc prints. */
  check(name: string, source: string): string
  remove(): void
}

/** Packs and installs. Nothing is compiled and no registry is asked: the binary is the one under build/, staged as prebuildify lays it
 *  out, and the dependencies are those of this checkout. */
export function openBox(): Box {
  const folder = mkdtempSync(join(tmpdir(), 'brauer-pack-'))
  const { packed, tarball } = pack(folder)
  const consumer = join(folder, 'consumer')
  mkdirSync(consumer)
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "version": "1.0.0", "private": true }')
  for (const path of npm(root, 'ls', '--omit=dev', '--all', '--parseable').trim().split('\n').slice(1)) {
    const to = join(consumer, relative(root, path))
    if (!existsSync(to)) cpSync(path, to, { recursive: true })
  }
  npm(consumer, 'install', '--ignore-scripts', '--offline', '--no-audit', '--no-fund', tarball)
  const run = (program: string, args: string[]) =>
    execFileSync(program, args, {
      cwd: consumer,
      encoding: 'utf8',
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  return {
    folder: consumer,
    packed,
    installed: join(consumer, 'node_modules', 'brauer'),
    node(name, source) {
      writeFileSync(join(consumer, name), source)
      return run(process.execPath, [name])
    },
    command: (name, ...args) => run(join(consumer, 'node_modules', '.bin', name), args),
    check(name, source) {
      writeFileSync(join(consumer, name), source)
      const options = { strict: true, noEmit: true, module: 'NodeNext', target: 'ES2023', types: [] }
      const compilerOptions = { ...options, lib: ['ES2023', 'DOM', 'ESNext.Disposable'] }
      writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [name] }))
      try {
        return run(process.execPath, [join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')])
      } catch (error) {
        return (error as { stdout: string }).stdout
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function pack(folder: string): { packed: string[]; tarball: string } {
  const stage = join(folder, 'stage')
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  const shipped = files.filter((path) => !path.startsWith('!') && path !== 'prebuilds')
  for (const path of ['package.json', 'README.md', 'LICENSE', ...shipped]) {
    if (existsSync(join(root, path))) cpSync(join(root, path), join(stage, path), { recursive: true })
  }
  const header = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  const libc = process.platform === 'linux' && !header.header.glibcVersionRuntime ? 'musl' : 'glibc'
  const prebuilt = join(stage, 'prebuilds', `${process.platform}-${process.arch}`, `brauer.${libc}.node`)
  mkdirSync(dirname(prebuilt), { recursive: true })
  cpSync(join(root, 'build', 'Release', 'brauer.node'), prebuilt)
  const [made] = JSON.parse(npm(stage, 'pack', '--ignore-scripts', '--json', '--pack-destination', folder)) as [
    { filename: string; files: { path: string }[] },
  ]
  return { packed: made.files.map((file) => file.path), tarball: join(folder, made.filename) }
}

function npm(cwd: string, ...args: string[]): string {
  const [program, first] = process.env.npm_execpath ? [process.execPath, [process.env.npm_execpath]] : ['npm', []]
  return execFileSync(program, [...first, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
