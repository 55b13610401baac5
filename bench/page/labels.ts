/** A rectangle in pixels. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export interface Point {
  readonly x: number
  readonly y: number
  readonly text: string
}

/** Where a label stands: its left end and its middle height; where a line from its point would meet it, and whether it is so far away
 *  that it needs one. */
export interface Label {
  readonly x: number
  readonly y: number
  readonly endX: number
  readonly endY: number
  readonly away: boolean
}

/** Of 12-pixel text, on the safe side. */
const characterWidth = 6.8
const lineHeight = 14
const pointRadius = 5

/** To the sides first, then above and below, then between. */
const directions = [0, 180, 270, 90, 315, 45, 225, 135, 340, 20, 200, 160].map((degrees) => {
  const angle = (degrees * Math.PI) / 180
  return [Math.cos(angle), Math.sin(angle)] as const
})
const distances = [4, 9, 15, 22, 30, 40, 52, 66, 82, 100, 125]

/** A line from a point to its label. */
type Leader = readonly [number, number, number, number]

/** Places a label beside each point: no label covers another one, a point or an obstacle, all stay in the frame, and few lines from
 *  labels to their points cross anything, as far as there is room. The nearest such place is taken. */
export function placeLabels(points: readonly Point[], frame: Box, obstacles: readonly Box[]): Label[] {
  const dots = points.map(({ x, y }) => around(x, y, pointRadius, pointRadius))
  const boxes: Box[] = []
  const leaders: Leader[] = []
  const count = <T>(items: readonly T[], holds: (item: T) => boolean): number => items.filter(holds).length
  const costOf = ({ box, leader, distance }: Place, own: Box): number => {
    const covered = count([...obstacles, ...dots, ...boxes], (other) => overlap(box, other))
    const crossed =
      count(leaders, (other) => crosses(other, box)) +
      count([...boxes, ...dots], (other) => !overlap(own, other) && crosses(leader, other))
    return 1e4 * Number(!isInside(box, frame)) + 1e3 * covered + 30 * crossed + distance
  }
  const labels: Label[] = []
  // Those with the most neighbours choose first: they have the fewest places.
  const crowd = ({ x, y }: Point): number => count(points, (each) => Math.hypot(each.x - x, each.y - y) < 80)
  const order = points.map((_, at) => at).sort((a, b) => crowd(points[b]!) - crowd(points[a]!))
  for (const at of order) {
    const places = distances.flatMap((distance) => directions.map((each) => placeAt(points[at]!, distance, each)))
    const costs = places.map((place) => costOf(place, dots[at]!))
    const { box, leader, away } = places[costs.indexOf(Math.min(...costs))]!
    boxes.push(box)
    leaders.push(leader)
    const [, , endX, endY] = leader
    labels[at] = { x: box.left, y: (box.top + box.bottom) / 2, endX, endY, away }
  }
  return labels
}

interface Place {
  readonly box: Box
  readonly leader: Leader
  readonly away: boolean
  readonly distance: number
}

/** The label whose box is this far from the point. */
function placeAt({ x, y, text }: Point, distance: number, [right, down]: readonly [number, number]): Place {
  const gap = pointRadius + distance
  const halfWidth = (text.length * characterWidth) / 2
  const halfHeight = lineHeight / 2
  const box = around(x + right * (gap + halfWidth), y + down * (gap + halfHeight), halfWidth, halfHeight)
  const endX = Math.min(Math.max(x, box.left - 2), box.right + 2)
  const endY = Math.min(Math.max(y, box.top), box.bottom)
  return { box, leader: [x, y, endX, endY], away: Math.hypot(endX - x, endY - y) > pointRadius + 8, distance }
}

/** Whether a line meets a box, by samples along it a few pixels apart. */
function crosses([x1, y1, x2, y2]: Leader, box: Box): boolean {
  const steps = Math.ceil(Math.hypot(x2 - x1, y2 - y1) / 3)
  for (let step = 0; step < steps; step++) {
    const [x, y] = [x1 + ((x2 - x1) * step) / steps, y1 + ((y2 - y1) * step) / steps]
    if (x > box.left && x < box.right && y > box.top && y < box.bottom) return true
  }
  return false
}

function around(x: number, y: number, halfWidth: number, halfHeight: number): Box {
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight }
}

export function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

function isInside(box: Box, frame: Box): boolean {
  return box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom
}
