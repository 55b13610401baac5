/** What CUDA finds, or exactly why nothing, with no driver, with a driver that is told what to answer, and on this machine. */
import { describe, expect, test } from '@jest/globals'
import { cudaInfo, linear, listBackends, O } from '../../lib/index.js'
import { inProcess } from '../layers/child.js'
import { root } from '../cli/support.js'

const reason = (name: string): string => {
  try {
    linear(O(3), { 1: 1 }, { 1: 1 }, { backend: name })
  } catch (error) {
    return (error as Error).message
  }
  return 'no error'
}

describe('on this machine', () => {
  const { devices, problem, driver } = cudaInfo()

  test('there are devices, or one sentence says why there are none', () => {
    if (devices.length > 0) expect(problem).toBeUndefined()
    else expect(problem).toMatch(/^expected .+, received .+/)
    for (const device of devices) {
      expect(device.name).toMatch(/\S/)
      expect(device.capability).toMatch(/^\d+\.\d$/)
      expect(device.memory).toBeGreaterThan(2 ** 30)
      expect(device.multiprocessors).toBeGreaterThan(0)
      expect(driver).toMatch(/^\d+\.\d$/)
    }
  })

  test('a named backend and the list of backends give exactly that reason', () => {
    const detail = listBackends().find(({ name }) => name === 'cuda')!
    expect(detail.available).toBe(false)
    expect(reason('cuda')).toBe(detail.detail)
    if (problem !== undefined) expect(reason('cuda')).toBe(`backend cuda: ${problem}`)
    if (problem !== undefined) expect(reason('cuda:7')).toBe(`backend cuda:7: ${problem}`)
    else expect(reason('cuda:99')).toContain(`expected a device below ${devices.length}, received 99`)
  })

  test('auto does not look for devices in vain', () => {
    expect(linear(O(3), { 1: 1 }, { 1: 1 }).backend.name).toBe('cpu')
  })
})

// The addon asks the first libcuda.so.1 that it is shown; this one has a version and an answer, and no devices.
const folder = `${root}/build-cmake/fake_driver`
const built = cudaInfo().runtime
const ask = (env: Record<string, string>) =>
  inProcess('answer(brauer.cudaInfo())', { LD_LIBRARY_PATH: folder, ...env }).value as ReturnType<typeof cudaInfo>

const skipped = built === undefined ? 'this build has no CUDA' : process.platform === 'linux' ? '' : 'only on Linux'
const title = 'with a driver that is told what to answer'
;(skipped ? describe.skip : describe)(skipped ? `${title}: ${skipped}` : title, () => {
  const needed = `expected an NVIDIA driver for CUDA ${built?.split('.')[0]}.0`

  test.each([
    ['none', { FAKE_CUDA_DRIVER: '0' }, /^expected an NVIDIA driver for CUDA \d+\.0 .*, received none \(CUDA error 35/],
    ['too old', { FAKE_CUDA_DRIVER: '11040' }, /, received one for CUDA 11\.4 \(CUDA error 35, /],
    ['no device', { FAKE_CUDA_INIT: '100' }, /^expected an NVIDIA device .*, received none \(CUDA error 100, /],
    ['hidden', { FAKE_CUDA_INIT: '100', CUDA_VISIBLE_DEVICES: '' }, /received none under CUDA_VISIBLE_DEVICES= \(/],
    ['not ready', { FAKE_CUDA_INIT: '802' }, /fabric manager.* \(CUDA error 802, /],
    ['mixed', { FAKE_CUDA_INIT: '803' }, /of different releases \(CUDA error 803, /],
    ['broken', { FAKE_CUDA_INIT: '999' }, /^expected a list of NVIDIA devices, received a failure \(CUDA error 999, /],
  ])('%s', (_, env, problem) => {
    const info = ask({ FAKE_CUDA_DRIVER: '99000', ...env })
    expect(info).toMatchObject({ devices: [], runtime: built })
    expect(info.problem).toMatch(problem)
  })

  test('the driver that is needed is named', () => {
    expect(ask({ FAKE_CUDA_DRIVER: '11040' }).problem).toContain(needed)
    expect(ask({ FAKE_CUDA_DRIVER: '11040' }).driver).toBe('11.4')
  })
})
