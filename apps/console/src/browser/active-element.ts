/**
 * Below a shadow root the document's active element is the root's host, so that a kit that keeps and returns
 * the focus would lose it. The build has such code ask for `globalThis.cairnActiveElement` instead, which
 * looks into the root.
 */
export function tellActiveElement(): void {
  Object.defineProperty(globalThis, "cairnActiveElement", { get: deepest, configurable: true });
}

/** Not by the member's name, which the build would replace here, too. */
const ACTIVE = "activeElement";

function deepest(): Element | null {
  let found = document[ACTIVE];
  for (;;) {
    const inner = found?.shadowRoot?.activeElement ?? null;
    if (inner === null) return found;
    found = inner;
  }
}
