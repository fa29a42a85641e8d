/** The `ref` of the open one in a row that may be wider than its place: opened, it is scrolled to. */
export function inSight(shown: Element | null): void {
  shown?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
