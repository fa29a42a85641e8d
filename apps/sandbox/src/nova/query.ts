import { ApiError, type Call } from "../http/answer.ts";

/** The first microversion in which a parameter that Nova does not know is refused, and not overlooked. */
const STRICT_MINOR = 75;

/** Refuses what `GET` does not know, in the words of Nova's schema validation (nova/api/validation). */
export function knowsQuery(call: Call, known: readonly string[]): void {
  if (call.minor < STRICT_MINOR) return;
  const unknown = [...new Set(call.query.keys())].filter((name) => !known.includes(name)).toSorted();
  if (unknown.length === 0) return;
  const names = unknown.map((name) => `'${name}'`).join(", ");
  const were = unknown.length === 1 ? "was" : "were";
  throw new ApiError(400, `Additional properties are not allowed (${names} ${were} unexpected)`);
}
