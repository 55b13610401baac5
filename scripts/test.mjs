// Runs every check and test and ends with one line, "N passed, N failed" (", N skipped" where there are). scripts/setup.mjs --tests comes first.
// Usage: node scripts/test.mjs [pattern ...]     With patterns: only the jest tests whose path matches one.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { emulations, listFiles, readStamps, root } from './setup/stamps.mjs'

const patterns = process.argv.slice(2)
const total = { passed: 0, failed: 0, skipped: 0 }
/** Seconds of each part; those of scripts/setup.mjs, which writes them down; those of slow tests among the TypeScript tests. */
const taken = {}
const takenBySetup = readSetupTimes()
let slowTests = 0
/** What is emulated or runs under a sanitizer, by its title: together no more than six minutes on two cores. */
const isSlow = (title) => /emulated GPU|Sanitizer/.test(title)

/** Three GPUs; what `staged` does is the same on all of them. */
const emulatedGpus = {
  BRAUER_PREBUILD: join(root, 'build-emulated'),
  BRAUER_EMULATION: 'devices=sm_75,sm_80,sm_90',
  BRAUER_TEST_BACKENDS: 'cuda:0-fused,cuda:1-fused,cuda:2-fused,cuda:1-staged',
  // Memory that comes back goes, and what is taken has the size that was asked for, so that reads past it are found.
  BRAUER_CUDA_CACHE: '0',
}

const names = {
  'address,undefined': 'under AddressSanitizer and UndefinedBehaviorSanitizer',
  thread: 'under ThreadSanitizer',
}

if (patterns.length === 0) {
  await part('Checks of the repository', checks)
  await part('C++ tests', () => ctest('build-cmake'))
  await part(`C++ tests ${names['address,undefined']}`, async () => {
    if (isUnsupported('sanitized')) report('skipped', 'all of them', 'the compiler has no working sanitizers')
    else await ctest('build-asan')
  })
  for (const { folder, sanitizers } of emulations) {
    await part(`C++ tests on an emulated GPU ${names[sanitizers] ?? ''}`.trim(), async () => {
      if (isUnsupported(folder)) report('skipped', 'all of them', unsupported(sanitizers))
      else await ctest(folder)
    })
  }
}

await part('TypeScript tests', () => jest(patterns))
if (patterns.length === 0) {
  await part('TypeScript tests on emulated GPUs', async () => {
    if (isUnsupported(emulations[0].folder)) report('skipped', 'all of them', unsupported())
    else await jest(['--findRelatedTests', 'test/support/backends.ts'], emulatedGpus)
  })
}

printTimes()
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed === 0 ? 0 : 1

function printTimes() {
  const line = (seconds, title) => console.log(`${seconds.toFixed(1).padStart(8)} s  ${title}`)
  const sum = (parts) => parts.reduce((all, [, seconds]) => all + seconds, 0)
  const parts = Object.entries(taken)
  const all = [...Object.entries(takenBySetup), ...parts]
  console.log('')
  for (const [title, seconds] of all) line(seconds, title)
  line(sum(all), 'together')
  line(slowTests + sum(parts.filter(([title]) => isSlow(title))), 'of it tests that are emulated or sanitised')
}

function readSetupTimes() {
  const file = join(root, '.cache', 'setup-seconds.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
}

async function checks() {
  for (const file of listFiles('scripts/checks')) {
    const { name, run } = await import(`./checks/${file.split('/').at(-1)}`)
    await check(name, run)
  }
  const bin = (path) => [process.execPath, join(root, 'node_modules', path)]
  await check('the tests and benchmarks type-check', () =>
    silent([...bin('@typescript/native/bin/tsc'), '-p', 'tsconfig.test.json']),
  )
  await check('eslint', () => silent([...bin('eslint/bin/eslint.js'), '.']))
  await check('prettier', () => silent([...bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']))
  await check('clang-format', () => silent([process.execPath, join(root, 'scripts', 'clang-format.mjs'), '--check']))
}

function isUnsupported(stamp) {
  return readStamps()[stamp]?.startsWith('unsupported')
}

function unsupported(sanitizers) {
  return sanitizers ? 'the compiler has no working sanitizers' : 'a GPU is emulated on x86-64 and 64-bit Arm only'
}

async function part(title, work) {
  console.log(`\n${title}`)
  const started = performance.now()
  await work()
  taken[title] = (performance.now() - started) / 1000
  console.log(`  ${taken[title].toFixed(1)} s`)
}

function report(result, name, detail = '') {
  total[result]++
  console.log(
    `  ${{ passed: 'ok     ', failed: 'FAILED ', skipped: 'skipped' }[result]} ${name}${detail && `: ${detail}`}`,
  )
}

/** A check returns the list of what is wrong, or { skip: reason }. One check counts as one. */
async function check(name, run) {
  let problems
  try {
    problems = await run()
  } catch (error) {
    problems = [String(error.stack ?? error)]
  }
  if (problems.skip) return report('skipped', name, problems.skip)
  report(problems.length === 0 ? 'passed' : 'failed', name)
  for (const problem of problems) console.log(`            ${problem.replaceAll('\n', '\n            ')}`)
}

/** A command as a check: what it prints is the problem when it fails; exit code 77 is a skip. */
async function silent(command) {
  const { code, output } = await runProgram(command)
  if (code === 77) return { skip: output.trim() }
  return code === 0 ? [] : [output.trim() || `exit code ${code}`]
}

async function ctest(folder) {
  const file = join(root, '.cache', `${folder.replaceAll('/', '-')}.xml`)
  rmSync(file, { force: true })
  const parallel = String(availableParallelism())
  const { output } = await runProgram([
    'ctest',
    '--test-dir',
    folder,
    '--output-junit',
    file,
    '--output-on-failure',
    '-j',
    parallel,
  ])
  const cases = existsSync(file)
    ? [...readFileSync(file, 'utf8').matchAll(/<testcase name="([^"]*)"[^>]*status="(\w+)"(.*?)<\/testcase>/gs)]
    : []
  for (const [, name, status, rest] of cases) {
    const result = { run: 'passed', notrun: 'skipped', disabled: 'skipped' }[status] ?? 'failed'
    // A test that is skipped prints why.
    const [, reason = ''] = /<system-out>(.*?)<\/system-out>/s.exec(rest) ?? []
    report(result, name, result === 'skipped' ? reason.trim() : '')
  }
  // A folder without a single test is a broken build, not a success.
  if (cases.length === 0) report('failed', `no C++ test ran in ${folder}/`)
  if (cases.length === 0 || cases.some(([, , status]) => status === 'fail')) console.log(output)
}

async function jest(args, env) {
  const file = join(root, '.cache', 'jest.json')
  mkdirSync(join(root, '.cache'), { recursive: true })
  rmSync(file, { force: true })
  const program = [
    process.execPath,
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules/jest/bin/jest.js'),
  ]
  const { code } = await runProgram(
    // Left to itself, jest leaves one core alone.
    [...program, '--maxWorkers=100%', '--json', '--outputFile', file, ...args],
    ['ignore', 'ignore', 'inherit'],
    env,
  )
  if (!existsSync(file)) return report('failed', `jest ended with exit code ${code} and no results`)
  const results = JSON.parse(readFileSync(file, 'utf8'))
  total.passed += results.numPassedTests
  total.failed += results.numFailedTests + results.numRuntimeErrorTestSuites
  total.skipped += results.numPendingTests + results.numTodoTests
  for (const suite of results.testResults) {
    for (const test of suite.assertionResults) {
      if (test.status === 'pending' || test.status === 'todo') console.log(`  skipped ${test.fullName}`)
      if (!env && isSlow(test.fullName)) slowTests += (test.duration ?? 0) / 1000
    }
  }
  if (code !== 0 && results.success) report('failed', `jest ended with exit code ${code} although every test passed`)
}

function runProgram([program, ...args], stdio = ['ignore', 'pipe', 'pipe'], env = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio, env: { ...process.env, ...env } })
    let output = ''
    child.stdout?.on('data', (chunk) => (output += chunk))
    child.stderr?.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ code: -1, output: `${program}: ${error.message}` }))
    child.on('close', (code) => resolve({ code: code ?? -1, output }))
  })
}
