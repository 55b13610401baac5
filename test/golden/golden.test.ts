import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
// @ts-expect-error plain JavaScript, shared with the script that writes the files
import { goldenListings } from './listings.mjs'

// A difference here is a change of plans or programs: read it, and if it is meant, run `npm run golden`.
test.each(Object.entries(goldenListings() as Record<string, string>))('%s', (name, text) => {
  expect(text).toBe(readFileSync(new URL(`${name}.txt`, import.meta.url), 'utf8'))
})
