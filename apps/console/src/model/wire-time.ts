/**
 * Milliseconds since 1970 of a time as the API writes it, in UTC and without saying so:
 * `2026-11-22T02:00:00.000000`.
 */
export function parseWireTime(text: string): number {
  return Date.parse(/(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text.slice(0, 23)}Z`);
}

/** A time as the API takes it in a query: whole seconds of UTC. */
export function wireSecond(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}
