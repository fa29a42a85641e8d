import { describeFault } from "@cairn/kernel";
import pino from "pino";

/**
 * *error*: a person must act; *warn*: we coped, and it should be rare; *info*: state changes; *debug*: the
 * rest.
 */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Values of one line. An Error becomes the joined messages of its chain; a `Secret` becomes `[secret]`. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes one JSON object a line. `event` is a fixed name such as `run.claimed`; what varies goes into fields.
 * `child` gives a log whose lines all carry the given fields (`request`, `project`, `run`, `step` …).
 */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level?: LogLevel;
  /** Takes each line with its newline; standard output when absent. */
  readonly write?: (line: string) => void;
}

/**
 * The log of a program. Lines go to standard output at once (not buffered), so that the last line before the
 * end of the process is there. Never throws: when nobody reads standard output any more, lines are lost.
 */
export function createLog(service: string, options: LogOptions = {}): Log {
  const { level = "info", write } = options;
  const settings: pino.LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return wrap(pino(settings, write === undefined ? standardOutput() : { write }));
}

function standardOutput(): pino.DestinationStream {
  const destination = pino.destination({ fd: 1, sync: true });
  // EPIPE and the like: the reader is gone, and there is no better place to say so. Work goes on without a
  // log.
  destination.on("error", () => undefined);
  return destination;
}

function wrap(logger: pino.Logger): Log {
  const withStacks = logger.isLevelEnabled("debug");
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    logger[level]({ event, ...(fields === undefined ? {} : plain(fields, withStacks)) });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(logger.child(plain(fields, withStacks))),
  };
}

/** Fields with each error as text, its code beside it, and its stack when the log is at debug level. */
function plain(fields: LogFields, withStacks: boolean): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!(value instanceof Error)) {
      made[name] = value;
      continue;
    }
    made[name] = describeFault(value);
    if ("code" in value && typeof value.code === "string") made[`${name}_code`] = value.code;
    if (withStacks) made[`${name}_stack`] = value.stack;
  }
  return made;
}
