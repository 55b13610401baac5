import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { reasonOf } from '../dist/cli/layer.js'
import { expected } from '../dist/errors.js'
import type { Outputs } from './flags.js'
import { pageText } from './page/page.js'
import { pictureText } from './page/picture.js'
import { loadPlotting } from './page/plotting.js'
import type { Results } from './results.js'

/** Before minutes of measuring: finds out what would keep the results from being written.
 *  @throws BrauerError `invalid-file` */
export async function checkOutputs({ save, html, picture }: Outputs): Promise<void> {
  for (const path of [save, html, picture]) {
    if (path === undefined) continue
    attempt(path, () => accessSync(dirname(path), constants.W_OK))
  }
  if (html !== undefined || picture !== undefined) await loadPlotting()
}

/** @throws BrauerError `invalid-file` */
export async function writeOutputs({ save, html, picture }: Outputs, results: Results): Promise<void> {
  if (save !== undefined) writeJson(save, results)
  if (html === undefined && picture === undefined) return
  const plotting = await loadPlotting()
  if (html !== undefined) writeText(html, pageText(plotting, results))
  if (picture !== undefined) writeText(picture, pictureText(plotting, results))
}

/** @throws BrauerError `invalid-file` */
export function writeJson(path: string, value: object): void {
  writeText(path, `${JSON.stringify(value, null, 2)}\n`)
}

function writeText(path: string, text: string): void {
  attempt(path, () => writeFileSync(path, text))
}

function attempt(path: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw expected('invalid-file', path, 'a file that can be written', reasonOf(error))
  }
}
