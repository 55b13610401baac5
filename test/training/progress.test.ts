import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Progress } from '../../lib/training/progress.js'

const written: string[] = []
const wasTerminal = process.stderr.isTTY

beforeEach(() => {
  written.length = 0
  jest.useFakeTimers()
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text))
    return true
  })
})

afterEach(() => {
  jest.useRealTimers()
  jest.restoreAllMocks()
  process.stderr.isTTY = wasTerminal
})

/** A job of 100 steps that take so many milliseconds each. */
function job(milliseconds: number, terminal: boolean): void {
  process.stderr.isTTY = terminal
  const progress = new Progress('job', 100)
  for (let done = 1; done <= 100; done++) {
    jest.advanceTimersByTime(milliseconds)
    progress.update(done)
  }
  progress.end()
}

describe('on a terminal', () => {
  test('a job of less than a second shows nothing', () => {
    job(9, true)
    expect(written).toEqual([])
  })

  test('a longer one draws one line again and again, and takes it away', () => {
    job(20, true)
    expect(written[0]).toBe('\rjob: 50 of 100 (50%), about 1 s to go\x1b[K')
    expect(written.every((text) => text.startsWith('\r') && text.endsWith('\x1b[K'))).toBe(true)
    // Every tenth of a second from the first second on.
    expect(written).toHaveLength(11)
    expect(written.at(-1)).toBe('\r\x1b[K')
  })
})

describe('elsewhere', () => {
  test('a job of less than a second shows nothing', () => {
    job(9, false)
    expect(written).toEqual([])
  })

  test('a longer one writes a line after a second and then every ten', () => {
    job(250, false)
    expect(written).toEqual([
      'job: 4 of 100 (4%), about 24 s to go\n',
      'job: 44 of 100 (44%), about 14 s to go\n',
      'job: 84 of 100 (84%), about 4 s to go\n',
    ])
  })
})
