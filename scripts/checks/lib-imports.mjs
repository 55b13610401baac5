// Imports in lib/ point one way, along the pipeline, and name only what is built in or a dependency.
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { listFiles, root } from '../setup/stamps.mjs'

export const name = 'imports in lib/ point along the pipeline'

// Each folder may import itself, the leaves, and every folder before it in its row.
const leaves = { errors: [], tensor: ['errors'] }
const pipeline = [
  'diagrams',
  'groups',
  'plan',
  'program',
  'backends',
  'runtime',
  'layers',
  'tape',
  'networks',
  'training',
  'server',
  'index',
  'onnx',
  'tfjs',
  'cli',
]
// File formats know tensors and nothing of layers; from the layers on they may be used.
const interop = { folder: 'interop', usedFrom: 'layers' }

// Packages that are there only where somebody uses what needs them.
const optional = { onnx: ['protobufjs'], tfjs: ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'] }

const allowed = { ...leaves, [interop.folder]: Object.keys(leaves) }
for (const [position, folder] of pipeline.entries()) {
  const formats = position >= pipeline.indexOf(interop.usedFrom) ? [interop.folder] : []
  allowed[folder] = [...Object.keys(leaves), ...formats, ...pipeline.slice(0, position)]
}

const specifier = /(?:^|[\s;])(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/gm

export function run() {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const problems = []
  for (const file of listFiles('lib').filter((path) => path.endsWith('.ts'))) {
    const from = folderOf(file)
    if (!allowed[from]) {
      problems.push(`${file}: lib/${from} has no place in the pipeline`)
      continue
    }
    for (const match of readFileSync(join(root, file), 'utf8').matchAll(specifier)) {
      const target = match[1] ?? match[2]
      if (!target.startsWith('.')) {
        const known = target in dependencies || optional[from]?.some((name) => target === name || target.startsWith(`${name}/`)) // prettier-ignore
        if (!isBuiltin(target) && !known) problems.push(`${file}: '${target}' is no dependency`)
        else if (isBuiltin(target) && !target.startsWith('node:')) problems.push(`${file}: write 'node:${target}'`)
        continue
      }
      const path = posix.join(posix.dirname(file), target)
      const to = path.startsWith('lib/') ? folderOf(path) : path
      if (to !== from && !allowed[from].includes(to))
        problems.push(`${file}: ${from} may not import ${to} ('${target}')`)
    }
  }
  return problems
}

/** The folder under lib/, or the name of a file that lies in lib/ itself. */
function folderOf(path) {
  return path.split('/')[1].replace(/\.(ts|js)$/, '')
}
