import { BrauerError } from '../../dist/errors.js'

/** A mark of a plot: opaque. */
export type Mark = object
type Options = Readonly<Record<string, unknown>>
type MakeMark = (data: readonly unknown[], options?: Options) => Mark

/** What is used of Observable Plot. Its own declarations need those of a browser, which this program lacks. */
interface Plot {
  plot(options: Options): { readonly outerHTML: string }
  readonly barX: MakeMark
  readonly dot: MakeMark
  readonly line: MakeMark
  readonly link: MakeMark
  readonly ruleX: MakeMark
  readonly ruleY: MakeMark
  readonly text: MakeMark
}

/** Draws to SVG text. */
export interface Plotting extends Omit<Plot, 'plot'> {
  svg(options: Options & { readonly ariaLabel: string }): string
}

const packages = ['@observablehq/plot', 'linkedom']
let loaded: Promise<Plotting> | undefined

/** Loads the plotting library and the document that it draws into.
 *  @throws BrauerError `invalid-file` where they are not installed */
export function loadPlotting(): Promise<Plotting> {
  return (loaded ??= load())
}

async function load(): Promise<Plotting> {
  const [plot, { parseHTML }] = (await Promise.all(packages.map(importPackage))) as [
    Plot,
    { parseHTML(text: string): { readonly document: unknown } },
  ]
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const svg: Plotting['svg'] = (options) =>
    plot
      .plot({ document, className: 'plot', style: { fontSize: '12px', overflow: 'visible' }, ...options })
      // A style of its own in every picture, for the class of all: the page has one.
      .outerHTML.replace(/<style>[^]*?<\/style>/, '')
  return { ...plot, svg }
}

async function importPackage(name: string): Promise<unknown> {
  try {
    return await import(name)
  } catch (error) {
    throw new BrauerError(
      'invalid-file',
      `a page needs ${packages.join(' and ')}, and ${name} cannot be loaded: npm install ${packages.join(' ')}`,
      { cause: error },
    )
  }
}
