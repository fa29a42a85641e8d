import { Fault } from "@cairn/kernel";

/**
 * SQLSTATE: connection exceptions (class 08), shutdowns and starting up (57P01-57P05), no more connections.
 */
const AWAY_STATES = /^(?:08...|57P0[1-5]|53300)$/;
const AWAY_CODES = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOENT", "ETIMEDOUT"]);
/** What pg says in words only. */
const AWAY_WORDS =
  /^(?:Connection terminated|timeout exceeded when trying|Client has encountered a connection error)/;

/**
 * Whether a statement failed because the server is not there (restarting, unreachable), so that the same
 * statement may work later. A Fault is somebody else's failure, unless it says so itself.
 */
export function isDatabaseAway(cause: unknown): boolean {
  if (cause instanceof Fault) return cause.code === "database-away";
  if (!(cause instanceof Error)) return false;
  if (AWAY_WORDS.test(cause.message)) return true;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  if (AWAY_STATES.test(code)) return true;
  // Other files may be missing too: only the socket's absence is the server's.
  return AWAY_CODES.has(code) && "syscall" in cause && cause.syscall !== "open";
}
