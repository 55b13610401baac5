// C++ includes point one way, and each outside interface stays in its own folder.
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { listFiles, root } from '../setup/stamps.mjs'

export const name = 'C++ includes point along the layers'

const allowed = { core: ['core'], cpu: ['core', 'cpu'], cuda: ['core', 'cuda'], bindings: ['core', 'bindings'] }
const outside = [
  { what: 'Node-API', headers: /^(napi|node_api|js_native_api|node|uv|v8)\b/, onlyIn: 'bindings' },
  { what: 'CUDA', headers: /^(cuda|cooperative_groups|mma\.h|nvml|cublas)/, onlyIn: 'cuda' },
]

export function run() {
  const problems = []
  for (const file of ['native', 'cuda'].flatMap(listFiles).filter((path) => /\.(h|cpp|cu|cuh)$/.test(path))) {
    const from = folderOf(file)
    if (!allowed[from]) {
      problems.push(`${file}: native/${from} has no place among the layers`)
      continue
    }
    for (const [, quote, header] of readFileSync(join(root, file), 'utf8').matchAll(
      /^\s*#\s*include\s*([<"])([^>"]+)[>"]/gm,
    )) {
      const near = posix.join(posix.dirname(file), header)
      // A kernel is compiled for the emulated device too, whose header the tests have.
      if (file === 'cuda/kernel.h' && header === 'emulation/kernel.h') continue
      const own = [near, `native/${header}`, header].find((path) => existsSync(join(root, path)))
      if (own) {
        if (quote === '<') problems.push(`${file}: write "${header}" with quotes`)
        if (!allowed[from].includes(folderOf(own)))
          problems.push(`${file}: ${from} may not include ${folderOf(own)} ("${header}")`)
        continue
      }
      const wrong = outside.find((rule) => rule.headers.test(header) && rule.onlyIn !== from)
      if (wrong) problems.push(`${file}: ${from} may not include ${wrong.what} (${header})`)
      else if (quote === '"') problems.push(`${file}: "${header}" is not in the project`)
    }
  }
  return problems
}

function folderOf(path) {
  const [top, second] = path.split('/')
  return top === 'native' ? second : top
}
