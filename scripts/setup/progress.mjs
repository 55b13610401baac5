import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './stamps.mjs'

const live = process.stdout.isTTY
/** Seconds of every step so far. */
export const taken = {}

/** Runs one step and shows its name and the seconds it takes; where it fails, what it printed last, and the process ends. */
export async function step(name, work) {
  const start = performance.now()
  const seconds = () => ((performance.now() - start) / 1000).toFixed(1)
  const show = () => process.stdout.write(live ? `\r  ${name} … ${seconds()} s ` : `  ${name} …\n`)
  show()
  const timer = live ? setInterval(show, 200) : undefined
  try {
    await work()
  } catch (error) {
    process.stdout.write(
      live ? `\r  ${name}: failed after ${seconds()} s\n` : `  ${name}: failed after ${seconds()} s\n`,
    )
    console.error(error.output ?? error)
    process.exit(1)
  } finally {
    clearInterval(timer)
  }
  taken[name] = Number(seconds())
  process.stdout.write(live ? `\r  ${name}: ${seconds()} s   \n` : `  ${name}: ${seconds()} s\n`)
}

/** Runs a command in the project's root. @throws an Error whose `output` is the end of what the command printed. */
export function capture([program, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      shell: program.endsWith('.cmd'),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (chunk) => (output = (output + chunk).slice(-16_000))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => reject(Object.assign(error, { output: `${program}: ${error.message}` })))
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(Object.assign(new Error(`${program} failed`), { output })),
    )
  })
}

/** One setup at a time in one checkout: two builds in one folder spoil each other. A lock whose owner is gone is taken over. */
export async function withLock(folder, work) {
  const file = join(folder, 'setup.lock')
  mkdirSync(folder, { recursive: true })
  for (let told = false; !take(file); await sleep(100)) {
    const owner = Number(read(file))
    if (owner && !isAlive(owner)) rmSync(file, { force: true })
    else if (!told) told = (console.log('  waiting for another setup in this folder …'), true)
  }
  process.on('exit', () => rmSync(file, { force: true }))
  await work()
}

function take(file) {
  try {
    const descriptor = openSync(file, 'wx')
    writeSync(descriptor, String(process.pid))
    closeSync(descriptor)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function isAlive(process_id) {
  try {
    process.kill(process_id, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
