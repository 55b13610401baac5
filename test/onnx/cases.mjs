// Layers that are exported: those of every group that issue tables name first, then the corners.
/** @type {readonly (readonly [group: string, input: Record<string, number>, output: Record<string, number>])[]} */
export const layers = [
  ['S(5)', { 2: 3 }, { 2: 2 }],
  ['S(6)', { 3: 2 }, { 3: 2 }],
  ['O(3)', { 2: 3 }, { 2: 2 }],
  ['O(3)', { 3: 2 }, { 3: 2 }],
  ['SO(3)', { 0: 2, 1: 3, 2: 2 }, { 0: 3, 1: 2, 2: 1 }],
  ['Sp(6)', { 3: 2 }, { 3: 1 }],
  ['S(4)', { 0: 1, 1: 2, 3: 1 }, { 0: 2, 2: 1 }],
  ['S(2)', { 1: 2 }, { 3: 1 }],
  ['O(2)', { 0: 1, 4: 1 }, { 2: 2 }],
  ['SO(3)', { 3: 2 }, { 0: 1 }],
  ['SO(3)', { 0: 2 }, { 3: 1 }],
  ['SO(2)', { 1: 2, 2: 1 }, { 1: 1, 2: 2 }],
  ['SO(4)', { 2: 2 }, { 2: 1 }],
  ['Sp(2)', { 0: 1, 2: 2 }, { 2: 2, 4: 1 }],
  ['Sp(4)', { 0: 1 }, { 2: 2 }],
  ['S(3)×O(2)', { a: 1, ab: 2, bb: 1 }, { 0: 2, ab: 1 }],
  ['SO(2)×SO(2)', { aabb: 1 }, { 0: 1, bb: 2 }],
  // Nothing reaches the output of order 2, and no input the output of order 3.
  ['O(3)', { 1: 2 }, { 1: 1, 2: 3 }],
  ['SO(3)', { 1: 1 }, { 0: 2, 3: 1 }],
]

export const options = [
  {},
  { bias: true, layout: 'channels-first', normalize: 'mean' },
  { bias: true, basis: 'spanning' },
]
