import { Fault } from "@cairn/kernel";
import { Kysely, PostgresDialect, type Transaction } from "kysely";
import { Pool, TypeOverrides } from "pg";
import { NotificationListener } from "./listener.ts";
import type { Handle, Tables } from "./tables.ts";

/** A connection pool to PostgreSQL, with notifications. Made by `openDatabase`; safe to share. */
export interface Database {
  /** Runs statements outside of a transaction. */
  readonly handle: Handle;
  readonly url: string;
  /**
   * One transaction: commits when `work` resolves, rolls back when it throws. Work must not wait for the
   * world.
   */
  transaction<Result>(work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result>;
  /**
   * Waits until something was notified on the channel (with this payload, when one is given), or `ms` have
   * passed. A hint, never the truth: callers look at the rows afterwards. Rejects when the signal is aborted.
   */
  waitFor(channel: Channel, options: WaitOptions): Promise<void>;
  close(): Promise<void>;
}

export interface WaitOptions {
  readonly payload?: string;
  readonly ms: number;
  readonly signal?: AbortSignal;
}

/** The channels of NOTIFY. Payloads: host name, run id, order id, barrier id; none; delivery id. */
export type Channel =
  | "cairn_order_queued"
  | "cairn_run_cancelled"
  | "cairn_order_changed"
  | "cairn_barrier_changed"
  | "cairn_notice_written"
  | "cairn_delivery_ended";

export interface DatabaseOptions {
  /** Connections at most; one more listens. */
  readonly poolMax?: number;
  /** Told when an idle connection breaks (the pool replaces it). */
  readonly onFault?: (fault: Error) => void;
}

/** Opens a pool. Connects lazily: an unreachable server is the Fault of the first statement. */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const onFault = options.onFault ?? (() => undefined);
  const pool = new Pool({
    connectionString: url,
    max: options.poolMax ?? 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    types: ownTypes(),
  });
  pool.on("error", onFault);
  // The pool listens to idle connections only: one that breaks in a transaction between two statements would
  // end the process. The next statement of that transaction fails, which is how its owner learns of it.
  pool.on("connect", (client) => client.on("error", onFault));
  const handle = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  const listener = new NotificationListener(url, onFault);
  return {
    handle,
    url,
    transaction: async (work) => handle.transaction().execute(work),
    waitFor: async (channel, waiting) => listener.waitFor(channel, waiting),
    close: async () => {
      await listener.close();
      await handle.destroy();
    },
  };
}

/** Of PostgreSQL's `pg_type`. */
const INT8 = 20;
const TIMESTAMPTZ = 1184;

/** Sizes are below 2^53, so that int8 can be a number. Times come in lists of hundreds: see `parseTime`. */
function ownTypes(): TypeOverrides {
  const overrides = new TypeOverrides();
  // The typings of pg 8.23 give the wrong one of two signatures: this is what it returns for texts.
  const usual = overrides.getTypeParser(TIMESTAMPTZ, "text") as unknown as (text: string) => Date;
  overrides.setTypeParser(INT8, parseInt8);
  overrides.setTypeParser(TIMESTAMPTZ, (text) => parseTime(text) ?? usual(text));
  return overrides;
}

/**
 * A time as a session in UTC writes it, `2026-11-23 13:57:34.123456+00`; `undefined` for any other. The
 * usual parser takes it apart with expressions, and V8's own is slower than this by far: either was a tenth
 * of what a list cost.
 */
function parseTime(text: string): Date | undefined {
  if (text.length < 22 || text.length > 29 || !text.endsWith("+00")) return undefined;
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== " " || text[13] !== ":") return undefined;
  const [year, month, day] = [pair(text, 0) * 100 + pair(text, 2), pair(text, 5), pair(text, 8)];
  // `Date.UTC` takes years below 100 for those of the last century.
  if (year < 1000) return undefined;
  const ms = text[19] === "." ? Number(text.slice(20, -3).padEnd(3, "0").slice(0, 3)) : 0;
  const at = Date.UTC(year, month - 1, day, pair(text, 11), pair(text, 14), pair(text, 17), ms);
  return Number.isNaN(at) ? undefined : new Date(at);
}

/** Two digits as a number; what they are not is no time in the end. */
function pair(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + (text.charCodeAt(at + 1) - 48);
}

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Fault("database-value", `reading the number ${text}`, "never");
  return value;
}
