/** Text as HTML, in elements and in quoted attributes. */
export function escape(text: string | number): string {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A figure with its caption; both are HTML. */
export function figure(kind: string, picture: string, caption: string): string {
  return `<figure class="${kind}"><figcaption>${caption}</figcaption>${picture}</figure>`
}

/** A row of a table: a heading over the rows below it, a name with the reason why it has no figures, or a name with figures. */
export type Line = string | readonly [string, string] | readonly string[]

/** A table in a box that scrolls by itself. */
export function table(label: string, head: readonly string[], lines: readonly Line[]): string {
  const rest = head.length - 1
  const body = lines.map((line) => {
    if (typeof line === 'string') return `<tr class="over"><th colspan="${head.length}" scope="rowgroup"><span>${escape(line)}</span></th></tr>` // prettier-ignore
    const [name, ...cells] = line.map(escape)
    const row = `<th scope="row">${name}</th>`
    if (cells.length < rest) return `<tr>${row}<td class="why" colspan="${rest}">${cells.join(' ')}</td></tr>`
    return `<tr>${row}${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  })
  return [
    `<div class="scroll" role="region" tabindex="0" aria-label="${escape(label)}"><table>`,
    `<thead><tr>${head.map((cell) => `<th scope="col">${escape(cell)}</th>`).join('')}</tr></thead>`,
    `<tbody>${body.join('\n')}</tbody></table></div>`,
  ].join('\n')
}
