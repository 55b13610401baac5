// Builds prebuilds/<platform>-<arch>/ with prebuildify, for the tarball. The binary speaks Node-API 9, so one serves every Node; -t only names the
// headers that node-gyp asks for.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { nativeHash, root } from './setup/stamps.mjs'

const prebuildify = join(root, 'node_modules', 'prebuildify', 'bin.js')
const args = ['--napi', '--strip', '--tag-libc', '-t', process.versions.node]
// node-gyp wants Node's own headers, which nothing here includes: those that came with this Node spare it the download.
const prefix = join(dirname(process.execPath), '..')
const headers = existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {}
const env = { BRAUER_CUDA_ARCHITECTURES: 'release', ...headers, ...process.env }
const { status } = spawnSync(process.execPath, [prebuildify, ...args], { cwd: root, stdio: 'inherit', env })
if (status !== 0) process.exit(status ?? 1)

// scripts/setup.mjs takes the binary instead of building where the sources are still these.
writeFileSync(join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'sources.sha256'), `${nativeHash()}\n`)

// prebuildify moves the binary out of build/Release, where the next setup looks for it.
mkdirSync(join(root, 'build', 'Release'), { recursive: true })
copyFileSync(join(root, 'build-cmake', 'Release', 'brauer.node'), join(root, 'build', 'Release', 'brauer.node'))
