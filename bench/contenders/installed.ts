import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Skip } from './contender.js'

/** A package of bench/package.json, which nothing else needs. */
export async function installed<T>(name: string): Promise<T | Skip> {
  const require = createRequire(new URL('../../bench/package.json', import.meta.url))
  let path: string
  try {
    path = require.resolve(name)
  } catch {
    return { skip: 'not installed: npm install --prefix bench' }
  }
  // What a package in CommonJS exports comes as its default.
  const found = (await import(pathToFileURL(path).href)) as { readonly default?: T }
  return found.default ?? (found as T)
}
