import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { linear, O } from '../../lib/index.js'
import { brauer, root } from './support.js'

const readme = readFileSync(join(root, 'README.md'), 'utf8')
const section = (title: string): string => readme.split(/^## /m).find((text) => text.startsWith(title)) ?? ''
const blocks = (text: string): string[] => [...text.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, block]) => block!)

/** Runs code inside the project, so that the package finds itself by name. */
function run(code: string): { status: number | null; stdout: string; stderr: string } {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache', 'readme-'))
  try {
    writeFileSync(join(folder, 'code.mjs'), code)
    const env = { ...process.env, NODE_OPTIONS: '' }
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'code.mjs')], {
      encoding: 'utf8',
      env,
    })
    return { status, stdout, stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the README', () => {
  test('the first layer prints what stands below it', () => {
    const [code, output] = blocks(section('A first layer'))
    expect(run(code!)).toEqual({ status: 0, stdout: output, stderr: '' })
  })

  test('the network is equivariant, and is trained', () => {
    const data = `import { tensor } from 'brauer'
      const points = tensor(Float32Array.from({ length: 960 }, (_, i) => Math.sin(i * i)), [64, 3, 5])
      const targets = tensor(Float32Array.from({ length: 64 }, (_, i) => Math.cos(i)), [64, 1])\n`
    const [network, training] = [blocks(section('Networks'))[0]!, blocks(section('Training'))[0]!]
    const code = `${network}${data}${training}console.log(trainer.step, checkpoint.length > 1000)`
    expect(run(code)).toEqual({ status: 0, stdout: 'true\n20 true\n', stderr: '' })
  })

  test('the picture is what draw gives', () => {
    const diagram = linear(O(3), { 2: 1 }, { 2: 1 })
      .diagrams(2, 2)
      .find(({ key }) => key === '1,4|2,3')
    expect(blocks(section('Diagrams'))[0]!.trimEnd()).toBe(diagram!.draw().trimEnd())
  })

  test('every command exists, with the flags shown', () => {
    const lines = blocks(section('Command line'))[0]!.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(3)
    for (const line of lines) {
      const [, name, ...words] = line.replace(/ +#.*/, '').match(/'[^']*'|\S+/g)!
      const { status, stdout } = brauer([name!, '--help'])
      expect(status).toBe(0)
      for (const flag of words.filter((word) => word.startsWith('-')))
        expect(stdout).toMatch(new RegExp(`(^|[ ,])${flag}[ ,]`, 'm'))
    }
  })

  test('what is needed is what package.json and the setup ask for', () => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } }
    expect(engines.node).toBe('^20.19.0 || >=22.12.0')
    expect(readme).toContain('Node.js ^20.19 or >= 22.12')
    const needs = readFileSync(join(root, 'scripts', 'setup', 'needs.mjs'), 'utf8')
    expect(needs).toContain('CMake 3.21 or later')
    expect(readme).toContain('CMake 3.21 or later')
  })
})
