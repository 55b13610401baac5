/** As much of an element as the tests look at. */
export interface Element {
  readonly textContent: string
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): ArrayLike<Element> & Iterable<Element>
}

// The declarations of the package need those of a browser.
const name: string = 'linkedom'
const { parseHTML } = (await import(name)) as { parseHTML(text: string): { readonly document: Element } }

/** An HTML text as a document. */
export function parse(text: string): Element {
  return parseHTML(text).document
}

/** Number of elements that a selector finds. */
export function count(of: Element, selector: string): number {
  return of.querySelectorAll(selector).length
}
