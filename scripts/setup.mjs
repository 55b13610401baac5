// Makes everything that `npm start`, `npm test` and `npm run bench` need, with Node built-ins alone: the dependencies of the lock file, dist/, the
// native addon. Each step remembers a hash of what it was made from, so that a run in which nothing changed does nothing.
// Usage: node scripts/setup.mjs [--tests] [--sanitized] [--bench] [--examples]
//   --tests      the C++ tests too, in build-cmake/, and the CUDA backend on an emulated GPU, in build-emulated/
//   --sanitized  addon and C++ tests under ASan and UBSan, on an emulated GPU too, in build-asan/; with --tests also those of the GPU under
//                TSan, in build-emulated-tsan/
//   --bench      bench/ compiled to dist-bench/
//   --examples   examples/ compiled to dist-examples/
//
// This file itself is plain enough for an old Node to read: it has to live to say that it is too old.
const [major, minor] = process.versions.node.split('.').map(Number)
if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) {
  import('./setup/steps.mjs')
} else {
  const how = {
    linux: 'https://nodejs.org or your version manager (`nvm install 22`) has a current one.',
    darwin: 'install a current one with `brew install node`.',
    win32: 'install a current one with `winget install OpenJS.NodeJS.LTS`.',
  }
  console.error(
    `brauer: Node.js ^20.19 or >= 22.12 is needed and this is ${process.versions.node}: ${how[process.platform] || how.linux}`,
  )
  process.exit(1)
}
