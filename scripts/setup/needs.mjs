// What has to be on the machine. Each thing that is missing is one sentence: what, and how to get it here.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Prints one sentence and ends the process. */
export function fail(sentence) {
  console.error(`brauer: ${sentence}`)
  process.exit(1)
}

const install = (hints) => hints[process.platform] ?? hints.linux

/** On Windows cmake-js looks for Visual Studio itself and says what it misses. */
export function requireCompiler() {
  if (process.platform === 'win32') return
  const how = install({
    linux: 'install one with `sudo apt-get install g++` (Debian, Ubuntu) or `sudo dnf install gcc-c++` (Fedora).',
    darwin: 'install it with `xcode-select --install`.',
  })
  const compiler = findCompiler()
  if (!compiler) fail(`No C++ compiler (c++, g++ or clang++) is on the PATH: ${how}`)
  // <span> and <bit> are what a compiler too old for C++20 lacks.
  const probe =
    '#include <bit>\n#include <span>\nint main() { return std::span<int>().size() + std::countr_zero(1u); }\n'
  const tried = spawnSync(compiler, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], { input: probe })
  if (tried.status !== 0) fail(`${compiler} does not compile C++20 (GCC 11 or Clang 14 and later do): ${how}`)
}

export function requireCmake() {
  const version = spawnSync('cmake', ['--version'], { encoding: 'utf8' })
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(version.stdout ?? '') ?? []
  if (Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 21)) return requireMake()
  const how = install({
    linux: 'install it with `sudo apt-get install cmake` (Debian, Ubuntu) or `sudo dnf install cmake` (Fedora).',
    darwin: 'install it with `brew install cmake`.',
    win32: 'install it with `winget install Kitware.CMake`.',
  })
  fail(
    major ? `CMake 3.21 or later is needed and this is ${major}.${minor}: ${how}` : `CMake is not on the PATH: ${how}`,
  )
}

/** What CMake drives. */
function requireMake() {
  if (process.platform === 'win32' || onPath('ninja') || onPath('make')) return
  const how = install({
    linux: 'install one with `sudo apt-get install make` (Debian, Ubuntu) or `sudo dnf install make` (Fedora).',
    darwin: 'install it with `xcode-select --install`.',
  })
  fail(`Neither make nor ninja is on the PATH: ${how}`)
}

/** Whether the compiler can make, and this machine run, a program under these sanitizers. */
export function sanitizersWork(sanitizers) {
  const compiler = process.platform === 'win32' ? undefined : findCompiler()
  if (!compiler) return false
  const folder = mkdtempSync(join(tmpdir(), 'brauer-sanitizer-'))
  try {
    const source = join(folder, 'probe.cpp')
    const program = join(folder, 'probe')
    writeFileSync(source, 'int main() { return 0; }\n')
    const made = spawnSync(compiler, [`-fsanitize=${sanitizers}`, source, '-o', program])
    return made.status === 0 && spawnSync(program).status === 0
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** An emulated GPU switches stacks by hand, see test/native/emulation/context.cpp. */
export const emulationWorks = () => process.platform !== 'win32' && ['x64', 'arm64'].includes(process.arch)

export function findCompiler() {
  return [process.env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean).find(onPath)
}

export function onPath(program) {
  const folders = program.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => {
    try {
      const file = folder ? join(folder, program) : program
      accessSync(file, constants.X_OK)
      return statSync(file).isFile()
    } catch {
      return false
    }
  })
}
