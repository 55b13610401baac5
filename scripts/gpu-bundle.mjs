// Makes one folder that measures brauer on a machine with an NVIDIA device and its driver: copy it there and call run.sh. Needs nvcc.
// Usage: node scripts/gpu-bundle.mjs [--out folder] [--with-node] [--architectures list]
//          --with-node        also node, dist/ and the addon: run.sh then runs layers from JavaScript
//          --architectures    as BRAUER_CUDA_ARCHITECTURES of CMakeLists.txt, by default those of a release
//          --runner           a runner that is built already, for tests; no nvcc is needed then
// The bundle is build-gpu-bundle/ and is made afresh. Exit status 77: dist-bench/ is not there.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { listFiles, root } from './setup/stamps.mjs'

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'build-gpu-bundle') },
    runner: { type: 'string' },
    'with-node': { type: 'boolean', default: false },
    architectures: { type: 'string', default: 'release' },
  },
})
const megabytes = { plain: 30, node: 60 }

// The data is the same whatever backend this machine has.
process.env.BRAUER_BACKEND = 'reference'
const dataModule = join(root, 'dist-bench', 'gpu', 'data.js')
if (!existsSync(dataModule)) {
  console.log('dist-bench/ is not there: node scripts/setup.mjs --bench')
  process.exit(77)
}
const { writeData } = await import(dataModule)
bundle(values.out)

function bundle(out) {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  cpSync(values.runner ?? buildRunner(), join(out, 'gpu_bench'))
  run('strip', join(out, 'gpu_bench'))
  writeData(join(out, 'data'))
  // With a '+' where the tree has changes that are not committed.
  const git = spawnSync('git', ['describe', '--always', '--abbrev=12', '--exclude=*', '--dirty=+'], { cwd: root, encoding: 'utf8' }) // prettier-ignore
  writeFileSync(join(out, 'data', 'commit.txt'), git.status === 0 ? git.stdout : 'unknown\n')
  copy('bench/gpu/run.sh', join(out, 'run.sh'))
  for (const file of ['gpu/torch_suite.py', 'python/with_torch.py', 'python/value_layout.py'])
    copy(`bench/${file}`, join(out, 'python', file.split('/').at(-1)))
  for (const file of [
    'CMakeLists.txt',
    'scripts/nvcc.mjs',
    ...['native/core', 'native/cpu', 'cuda', 'bench/gpu'].flatMap(listFiles),
  ])
    // prettier-ignore
    copy(file, join(out, 'source', file))
  check(out, megabytes.plain)
  if (!values['with-node']) return
  addNode(join(out, 'node'))
  check(out, megabytes.node)
}

function buildRunner() {
  const build = buildFolder()
  if (values['with-node']) {
    // One build for the addon and the runner: the kernels take their time.
    Object.assign(process.env, { WITH_CUDA: 'ON', BRAUER_CUDA_ARCHITECTURES: values.architectures })
    run(process.execPath, join(root, 'scripts', 'gyp-build.mjs'), '--out', 'build-gpu-node', '--no-copy', '--all', '-DBRAUER_GPU_BENCH=ON') // prettier-ignore
  } else {
    run('cmake', '-S', root, '-B', build, '-DBRAUER_ADDON=OFF', '-DBRAUER_GPU_BENCH=ON', '-DWITH_CUDA=ON', `-DBRAUER_CUDA_ARCHITECTURES=${values.architectures}`) // prettier-ignore
    run('cmake', '--build', build, '--target', 'gpu_bench', '--parallel', String(availableParallelism()))
  }
  // A peak that waits for memory is none.
  const report = readFileSync(join(build, 'CMakeFiles/gpu_bench.dir/bench/gpu/kernels.cu.o.resources.txt'), 'utf8')
  const spilled = /.*\b[1-9]\d* bytes (?:stack frame|spill).*/.exec(report)
  if (!report.includes('bytes stack frame') || spilled) throw new Error(`kernels.cu: ${spilled?.[0] ?? 'no report'}`)
  return join(build, 'gpu_bench')
}

function buildFolder() {
  return join(root, values['with-node'] ? 'build-gpu-node' : 'build-gpu')
}

function addNode(to) {
  mkdirSync(join(to, 'build', 'Release'), { recursive: true })
  cpSync(join(buildFolder(), 'Release', 'brauer.node'), join(to, 'build', 'Release', 'brauer.node'))
  run('strip', '--strip-unneeded', join(to, 'build', 'Release', 'brauer.node'))
  for (const folder of ['dist', 'dist-bench', 'node_modules/node-gyp-build'])
    cpSync(join(root, folder), join(to, folder), { recursive: true, filter: (file) => !/\.(tsbuildinfo|map|d\.ts)$/.test(file) }) // prettier-ignore
  copy('package.json', join(to, 'package.json'))
  copy('bench/gpu/node.sh', join(to, 'run.sh'))
  const { status, stdout, stderr } = spawnSync('xz', ['-9', '-T1', '-c', process.execPath], { maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`xz: ${stderr}`)
  writeFileSync(join(to, 'node.xz'), stdout)
}

function copy(file, to) {
  mkdirSync(dirname(to), { recursive: true })
  cpSync(join(root, file), to)
  if (to.endsWith('.sh')) chmodSync(to, 0o755)
}

function check(folder, most) {
  const bytes = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
  console.log(`${folder}: ${(bytes / 1e6).toFixed(1)} MB`)
  if (bytes > most * 1e6) throw new Error(`expected at most ${most} MB`)
}

function run(...[program, ...args]) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) throw new Error(`${program} ended with status ${status}`)
}
