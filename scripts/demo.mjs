// What `npm start` shows: real data through two real layers, by the command line, and whether the answers are right.
// Usage: node scripts/demo.mjs [folder]     The folder holds what examples/ holds, which it is when left out. Exits 1 where an answer is wrong.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readNpy, writeNpy } from '../dist/interop/npy.js'
import { readSafetensors } from '../dist/interop/safetensors.js'
import { tensor } from '../dist/tensor/tensor.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const examples = process.argv[2] ?? join(root, 'examples')
const scratch = mkdtempSync(join(tmpdir(), 'brauer-demo-'))
const statements = []
try {
  inertia()
  graph()
} finally {
  rmSync(scratch, { recursive: true })
}
console.log()
for (const { holds, text } of statements) console.log(`${holds ? 'holds' : 'FAILS'}  ${text}`)
process.exitCode = statements.every(({ holds }) => holds) ? 0 : 1

/** The tensor of inertia of 162 molecules is tr(T)·I − T of T = Σ m x xᵀ; its eigenvalues are the listed moments. */
function inertia() {
  const { molecules } = readJson('g2_molecules.json')
  console.log(`1. Moments of inertia of ${molecules.length} molecules: an O(3) layer that maps T to tr(T) I - T\n`)
  const input = tensor(Float64Array.from(molecules.flatMap(secondMoments)), [molecules.length, 3, 3, 1])
  const output = runLayer('inertia', 'moments.npy', input, 'inertia.npy')
  const tensors = readNpy(readFileSync(output)).data
  const found = molecules.map((_, i) => eigenvalues(tensors.subarray(9 * i, 9 * i + 9)))

  const shown = ['H2O', 'CH4', 'C6H6'].map((name) => molecules.findIndex((molecule) => molecule.name === name))
  console.log('\n  molecule  listed (amu Å²)            computed')
  for (const i of shown.filter((i) => i >= 0)) {
    const numbers = (values) => values.map((value) => value.toFixed(4).padStart(8)).join(' ')
    console.log(`  ${molecules[i].name.padEnd(8)}${numbers(molecules[i].moments_of_inertia)}  ${numbers(found[i])}`)
  }
  const deviations = molecules.map(({ moments_of_inertia: listed, symbols }, i) => {
    const deviation = Math.max(...listed.map((value, j) => Math.abs(value - found[i][j])))
    return { single: symbols.length === 1, error: symbols.length === 1 ? deviation : deviation / Math.max(...listed) }
  })
  const singles = deviations.filter(({ single }) => single)
  const others = deviations.filter(({ single }) => !single)
  state(`${others.length} molecules: moments as listed, to 1e-6 of the largest`, worst(others), 1e-6)
  state(`${singles.length} single atoms: no moments, below 1e-6`, worst(singles), 1e-6)
}

/** Counts of a graph from W, its 0/1 pattern P, and the matrix powers P² and P³. */
function graph() {
  const { nodes, edges, strength, degree, triangles } = readJson('les_miserables.json')
  const n = nodes.length
  console.log(
    `\n2. Counts in a graph of ${n} characters: an S(${n}) layer on the weights W, the pattern P, P² and P³\n`,
  )
  const W = new Float64Array(n * n)
  for (const [i, j, weight] of edges) W[i * n + j] = W[j * n + i] = weight
  const P = W.map((weight) => (weight === 0 ? 0 : 1))
  const P2 = multiply(P, P, n)
  const channels = [W, P, P2, multiply(P2, P, n)]
  const input = Float64Array.from({ length: 4 * n * n }, (_, i) => channels[i % 4][i >> 2])
  const output = runLayer('graph', 'graph.npy', tensor(input, [1, n, n, 4]), 'counts.safetensors')
  const { 0: totals, 1: perNode, 2: paths } = readSafetensors(readFileSync(output)).tensors

  const column = (channel) => nodes.map((_, i) => perNode.data[3 * i + channel])
  const [s, d, t] = [0, 1, 2].map(column)
  console.log('\n  character   strength  degree  triangles')
  for (const i of nodes
    .map((_, i) => i)
    .sort((a, b) => d[b] - d[a])
    .slice(0, 3)) {
    console.log(
      `  ${nodes[i].padEnd(12)}${String(s[i]).padStart(8)}${String(d[i]).padStart(8)}${String(t[i]).padStart(11)}`,
    )
  }
  const total = triangles.reduce((sum, count) => sum + count, 0) / 3
  const differences = (found, listed) => Math.max(...listed.map((value, i) => Math.abs(value - found[i])))
  state(`strength of ${n} nodes exactly as listed`, differences(s, strength), 0)
  state(`degree of ${n} nodes exactly as listed`, differences(d, degree), 0)
  state(`triangles of ${n} nodes exactly as listed`, differences(t, triangles), 0)
  state(`twice the number of edges: ${2 * edges.length}`, Math.abs(totals.data[0] - 2 * edges.length), 0)
  state(`number of triangles: ${total}`, Math.abs(totals.data[1] - total), 0)
  const wanted = P2.map((value, i) => (i % (n + 1) === 0 ? 0 : value))
  state('paths of length 2: P² without its diagonal, to 1e-6', differences(paths.data, [...wanted]), 1e-6)
}

/** Runs `brauer explain` and `brauer run` on a model of examples/ and shows what they print. Returns the path of the output. */
function runLayer(model, inputName, input, outputName) {
  const modelPath = join(examples, `${model}.safetensors`)
  const [inputPath, outputPath] = [join(scratch, inputName), join(scratch, outputName)]
  writeFileSync(inputPath, writeNpy(input))
  brauer(['explain', modelPath])
  console.log()
  brauer(['run', modelPath, inputPath, '-o', outputPath])
  return outputPath
}

function brauer(words) {
  const short = (word) =>
    word.startsWith(scratch) ? relative(scratch, word) : word.startsWith(root) ? relative(root, word) : word
  console.log(`$ brauer ${words.map(short).join(' ')}`)
  const done = spawnSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (done.status !== 0) process.exit(1)
  console.log(
    done.stdout
      .replaceAll(scratch + '/', '')
      .replaceAll(root, '')
      .replace(/^(?=.)/gm, '  ')
      .trimEnd(),
  )
}

/** Keeps a statement with its figure; the figure must be at most the limit. */
function state(text, figure, limit) {
  statements.push({
    holds: figure <= limit,
    text: `${text} (largest difference ${figure === 0 ? 0 : figure.toExponential(1)})`,
  })
}

function worst(deviations) {
  return Math.max(...deviations.map(({ error }) => error))
}

function readJson(name) {
  return JSON.parse(readFileSync(join(examples, 'data', name), 'utf8'))
}

/** Σ m x xᵀ about the centre of mass, row-major. */
function secondMoments({ masses, positions }) {
  const total = masses.reduce((sum, mass) => sum + mass, 0)
  const centre = [0, 1, 2].map(
    (axis) => masses.reduce((sum, mass, atom) => sum + mass * positions[atom][axis], 0) / total,
  )
  const moments = new Array(9).fill(0)
  masses.forEach((mass, atom) => {
    const x = positions[atom].map((value, axis) => value - centre[axis])
    for (let i = 0; i < 9; i++) moments[i] += mass * x[Math.floor(i / 3)] * x[i % 3]
  })
  return moments
}

/** Eigenvalues of a symmetric 3×3 matrix, ascending: cyclic Jacobi rotations. */
function eigenvalues(matrix) {
  const a = [0, 3, 6].map((row) => [...matrix.subarray(row, row + 3)])
  for (let sweep = 0; sweep < 30; sweep++) {
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      if (a[p][q] === 0) continue
      const slope = (a[q][q] - a[p][p]) / (2 * a[p][q])
      const tangent = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.hypot(1, slope))
      const cosine = 1 / Math.hypot(1, tangent)
      const sine = tangent * cosine
      for (const row of a) [row[p], row[q]] = [cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]]
      for (let j = 0; j < 3; j++) {
        ;[a[p][j], a[q][j]] = [cosine * a[p][j] - sine * a[q][j], sine * a[p][j] + cosine * a[q][j]]
      }
    }
  }
  return [a[0][0], a[1][1], a[2][2]].sort((x, y) => x - y)
}

function multiply(a, b, n) {
  const product = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let m = 0; m < n; m++) for (let j = 0; j < n; j++) product[i * n + j] += a[i * n + m] * b[m * n + j]
  }
  return product
}
