import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { fitsOf } from '../../bench/growth/fits.js'
import { main } from '../../bench/main.js'
import { overlap, placeLabels, type Box } from '../../bench/page/labels.js'
import { pageText } from '../../bench/page/page.js'
import { pictureText } from '../../bench/page/picture.js'
import { loadPlotting, type Plotting } from '../../bench/page/plotting.js'
import { logTicks, tickText, timeText } from '../../bench/page/scale.js'
import type { Results } from '../../bench/results.js'
import { uniform } from '../../lib/tensor/random.js'
import { count, parse } from './document.js'
import { caseResult, growth, results } from './results.js'

const folder = mkdtempSync(join(tmpdir(), 'brauer-page-'))
afterAll(() => rmSync(folder, { recursive: true }))

let plotting: Plotting
beforeAll(async () => {
  plotting = await loadPlotting()
})

const law = growth([1, 2, 4, 8, 16, 32], (n) => n ** 2)
const points = [...law.points, { at: 64, threads: 1, skip: 'would take 5 GiB' }]
const everything = results(
  [
    caseResult('one', { cpu: 1, 'cpu-dense': 4, 'torch-hand': 2, absent: { skip: 'not <installed>' } }),
    caseResult('two', { cpu: 1, 'torch-hand': 3, 'onnxruntime-node': 500, liar: { refused: 'wrong by 1' } }),
    caseResult('three', { cpu: 1 }),
  ],
  { growth: [{ ...law, points, fits: fitsOf(law) }] },
)

const page = (of: Results = everything) => parse(pageText(plotting, of))

describe('the page', () => {
  test('is well-formed: every element is closed in its turn', () => {
    const open: string[] = []
    const empty = ['meta', 'br', '!doctype']
    for (const [, slash, name, closed] of pageText(plotting, everything).matchAll(/<(\/?)([!a-z0-9]+)[^>]*?(\/?)>/gi)) {
      if (closed || empty.includes(name!.toLowerCase())) continue
      if (slash) expect([open.pop(), name]).toEqual([name, name])
      else open.push(name!)
    }
    expect(open).toEqual([])
  })

  test('has a point for each case in the roofline plot, wide and narrow, with a label each', () => {
    for (const kind of ['.wide', '.narrow']) {
      const plot = page().querySelector(`.roofline ${kind} svg`)!
      expect(count(plot, '[aria-label=dot] circle, [aria-label=dot] path')).toBe(3)
      const texts = [...plot.querySelectorAll('text')].map((text) => text.textContent)
      expect(texts).toEqual(expect.arrayContaining(['one', 'two', 'three', 'peak 200 GFLOP/s', 'copy 40.0 GB/s']))
    }
  })

  test('has a bar and a whisker for each contender with times, of the cases that have several', () => {
    const figures = [...page().querySelectorAll('.bars')]
    expect(figures.map((each) => [count(each, '[aria-label=bar] rect'), count(each, '[aria-label=rule] line')])).toEqual([
      // Rules: four grid lines, the baseline, the least time, and the whiskers.
      [3, 4 + 2 + 3],
      [3, 4 + 2 + 3],
    ]) // prettier-ignore
    expect(figures[1]!.textContent).toContain('refused: liar')
    const texts = [...figures[1]!.querySelectorAll('text')].map((text) => text.textContent)
    expect(texts).toEqual(expect.arrayContaining(['torch-hand', '3.00×', '3.00', 'onnxruntime-node', '500×', '500']))
  })

  test('has a curve with its points, both slopes, and what was not measured', () => {
    const figure = page().querySelector('.growth')!
    expect(count(figure, '[aria-label=dot] circle, [aria-label=dot] path')).toBe(6)
    expect(count(figure, '[aria-label=line] path')).toBe(2)
    expect(figure.textContent).toContain('cpu: slope 2.00, n from 4 to 32, 2.00 by the plan')
    expect(figure.textContent).toContain('not measured: 64')
    expect(page().querySelector('details')!.textContent).toContain('would take 5 GiB')
  })

  test('has all figures and reasons in a table; predictions only where there are some', () => {
    const rows = (of?: Results) => [...page(of).querySelector('.scroll')!.querySelectorAll('tr')]
    const heads = (of?: Results) => [...rows(of)[0]!.querySelectorAll('th')].map((cell) => cell.textContent)
    expect(rows()).toHaveLength(1 + 3 + 9)
    expect(heads()).not.toContain('predicted ms')
    const [one] = everything.cases
    const predicted = { ...one!, rows: one!.rows.map((row) => ({ ...row, predicted: 1.25 })) }
    expect(heads(results([predicted]))).toContain('predicted ms')
    const text = rows().map((row) => row.textContent).join('\n') // prettier-ignore
    expect(text).toContain('– not <installed>')
    expect(text).toContain('REFUSED: wrong by 1')
  })

  test('shows names as text, whatever is in them', () => {
    const nasty = '<img src=x onerror=alert(1)>&"'
    const of = results([caseResult(nasty, { cpu: 1, [nasty]: 2 })], { growth: [{ ...law, title: nasty }] })
    const document = page({ ...of, machine: { ...of.machine, cpu: nasty } })
    expect(count(document, 'img')).toBe(0)
    expect(document.querySelector('h1')!.textContent).toContain(nasty)
  })

  test('needs nothing from anywhere else', () => {
    const text = pageText(plotting, everything)
    expect(text).not.toMatch(/https?:/)
    expect(text).not.toMatch(/<(script|link|img|iframe|object)\b|@import|url\(|\b(src|srcset)=/i)
  })

  test('leaves out what there is nothing of', () => {
    const titles = (of: Results) => [...page(of).querySelectorAll('h2')].map((title) => title.textContent)
    expect(titles(everything)).toEqual([
      'How near the limit',
      'Against other ways to compute it',
      'Growth',
      'All figures',
      'How it was measured',
    ])
    expect(titles(results([caseResult('one', { cpu: 1 })], { roofline: undefined }))).toEqual(['All figures', 'How it was measured']) // prettier-ignore
    expect(titles(results([], { growth: everything.growth! }))).toEqual([
      'Growth',
      'All figures',
      'How it was measured',
    ])
  })
})

test('the picture is a standalone SVG with a bar for each case and for the best of the others', () => {
  const text = pictureText(plotting, everything)
  expect(text).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  expect(text.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<image|@import/)
  const document = parse(`<body>${text}</body>`)
  const bars = [...document.querySelectorAll('[aria-label=bar]')].map((group) => count(group, 'rect'))
  expect(bars).toEqual([3, 2])
  const texts = [...document.querySelectorAll('text')].map((each) => each.textContent)
  expect(texts).toEqual(expect.arrayContaining(['one', '40%', 'torch-hand', '20%, 2.0× the time']))
})

describe('--from', () => {
  const saved = (name: string, of: Results): string => {
    const path = join(folder, name)
    writeFileSync(path, JSON.stringify(of))
    return path
  }

  test('gives the page and the picture of what was saved', async () => {
    const [from, html, picture] = [saved('r.json', everything), join(folder, 'r.html'), join(folder, 'r.svg')]
    expect(await main(['--from', from, '--html', html, '--picture', picture])).toBe(0)
    expect(readFileSync(html, 'utf8')).toBe(pageText(plotting, everything))
    expect(readFileSync(picture, 'utf8')).toBe(pictureText(plotting, everything))
  })

  test('puts several files together', async () => {
    const suite = saved('suite.json', { ...everything, growth: undefined } as unknown as Results)
    const best = { copy: 5e10, peak: 1e11 }
    const curves = saved('growth.json', { ...everything, cases: [], roofline: { first: best, best } })
    const both = join(folder, 'both.json')
    expect(await main(['--from', suite, '--from', curves, '--save', both])).toBe(0)
    const merged = JSON.parse(readFileSync(both, 'utf8')) as Results
    expect(merged).toEqual({ ...everything, roofline: { first: everything.roofline!.first, best: { copy: 5e10, peak: 2e11 } } }) // prettier-ignore
  })

  test('refuses to put two machines together, and a folder that is not there before anything is measured', async () => {
    const complain = jest.spyOn(console, 'error').mockImplementation(() => undefined)
    const one = saved('one.json', everything)
    const other = saved('other.json', { ...everything, machine: { ...everything.machine, threads: 1 } })
    expect(await main(['--from', one, '--from', other, '--save', join(folder, 'x.json')])).toBe(1)
    expect(complain.mock.lastCall![0]).toMatch(
      /--from: expected results of A & B, avx2, 2 threads, received .* 1 threads/,
    )
    const printed: string[] = []
    const save = join(folder, 'no', 'x.json')
    expect(await main(['--case', 'matvec', '--save', save], (text) => printed.push(text))).toBe(1)
    expect(complain.mock.lastCall![0]).toMatch(/x\.json: expected a file that can be written, received .*no such file/)
    expect([printed, existsSync(save)]).toEqual([[], false])
    complain.mockRestore()
  })
})

describe('labels', () => {
  test('cover neither each other nor a point nor an obstacle, and stay in the frame', () => {
    const frame: Box = { left: 0, top: 0, right: 340, bottom: 400 }
    const obstacle: Box = { left: 100, top: 100, right: 200, bottom: 120 }
    for (let seed = 0; seed < 20; seed++) {
      const random = uniform(seed)
      // All in a corner of the frame, some on top of each other.
      const points = Array.from({ length: 16 }, (_, i) => ({
        x: 100 + 80 * random(),
        y: 130 + 90 * random(),
        text: `case-${i}`,
      }))
      const boxes = placeLabels(points, frame, [obstacle]).map(({ x, y }, i): Box => {
        return { left: x, right: x + 6.8 * points[i]!.text.length, top: y - 7, bottom: y + 7 }
      })
      for (const [i, box] of boxes.entries()) {
        expect(box.left >= 0 && box.top >= 0 && box.right <= 340 && box.bottom <= 400).toBe(true)
        const others = [obstacle, ...boxes.filter((_, j) => j !== i)]
        expect(others.filter((other) => overlap(box, other))).toEqual([])
        expect(points.some(({ x, y }) => x > box.left && x < box.right && y > box.top && y < box.bottom)).toBe(false)
      }
    }
  })

  test('of ticks', () => {
    expect(logTicks([0.03, 800])).toEqual([0.1, 1, 10, 100])
    expect(logTicks([0.9, 40])).toEqual([1, 2, 5, 10, 20])
    expect([0.001, 0.1, 1, 1000, 20000, 3e6].map(tickText)).toEqual(['0.001', '0.1', '1', '1000', '20k', '3M'])
    expect([2e-6, 5e-3, 1, 20, 3000].map(timeText)).toEqual(['2 ns', '5 µs', '1 ms', '20 ms', '3 s'])
  })
})
