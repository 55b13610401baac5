import { describe, expect, test } from '@jest/globals'
import { decode, encode, magic } from '../../lib/program/encode.js'
import { verify } from '../../lib/program/verify.js'
import { samples } from './programs.js'

describe.each(samples)('%s', (_, programs) => {
  test.each(Object.entries(programs))('%s survives the words and verifies', (_, program) => {
    verify(program)
    const words = encode(program)
    const back = decode(words)
    verify(back)
    expect({ ...back, buffers: [] }).toEqual({ ...program, buffers: [] })
    // Names are the one thing that the words leave out.
    expect(back.buffers.map(({ name: _, ...rest }) => rest)).toEqual(
      program.buffers.map(({ name: _, ...rest }) => rest),
    )
    expect(encode(back)).toEqual(words)
    expect(words[2]).toBe(words.length)
  })
})

describe('words that are no program', () => {
  const words = encode(samples[0]![1].forward)
  const changed = (at: number, value: number): Float64Array =>
    Float64Array.from(words, (word, i) => (i === at ? value : word))

  test.each([
    ['another magic word', changed(0, magic + 1), /magic word/],
    ['another version', changed(1, 99), /version 1, received 99/],
    ['another length', changed(2, words.length + 1), /words, received/],
    ['words cut off', words.slice(0, 20), /words, received 20/],
    ['no words', new Float64Array(0), /./],
    ['too many buffers', changed(3, 1e6), /count/],
    ['a fractional count', changed(7, 1.5), /count/],
    ['a negative count', changed(4, -1), /count/],
    ['a role that does not exist', changed(10, 9), /role: expected a number below 4, received 9/],
  ])('%s', (_, bad, message) => {
    expect(() => decode(bad)).toThrow(
      expect.objectContaining({ code: 'invalid-program', message: expect.stringMatching(message) }),
    )
  })
})
