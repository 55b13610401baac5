import type { LinearOptions, Space } from '../../lib/index.js'
export const layers: readonly (readonly [group: string, input: Space, output: Space])[]
export const options: readonly LinearOptions[]
