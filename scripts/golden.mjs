// Writes the golden listings anew: `npm run golden`. The difference is read in review.
import { mkdirSync, writeFileSync } from 'node:fs'
import { goldenListings } from '../test/golden/listings.mjs'

const folder = new URL('../test/golden/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of Object.entries(goldenListings())) writeFileSync(new URL(`${name}.txt`, folder), text)
