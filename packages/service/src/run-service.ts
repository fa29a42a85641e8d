import { asError, type Clock, describeFault, Rejection, systemClock } from "@cairn/kernel";
import { describeSettings, explainConfig, loadConfig } from "./config.ts";
import { type ConfigOf, type ConfigSpec, choice } from "./config-fields.ts";
import { createLog, type Log } from "./log.ts";
import { Status } from "./status.ts";

/** A program that serves: what `start` gives back. */
export interface Running {
  /** Told in the line `service.ready`, such as `{ port }`. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Ends the work; called once, after `signal` was aborted. Must be done within 5 s. */
  stop(): Promise<void>;
  /**
   * Rejects (or resolves) when the program ends by itself; absent when it serves until it is told to stop.
   */
  readonly ended?: Promise<void>;
}

/** What a program is given to live on. */
export interface ServiceContext<Spec> {
  readonly config: ConfigOf<Spec>;
  readonly log: Log;
  readonly status: Status;
  readonly clock: Clock;
  /** Aborted by SIGTERM, SIGINT, or the end of standard input with `--stop-with-stdin`. */
  readonly signal: AbortSignal;
}

/** A program: its name as in `service.ready`, its settings, and how it begins. */
export interface ServiceDefinition<Spec> {
  readonly name: string;
  readonly spec: Spec;
  readonly start: (context: ServiceContext<Spec>) => Promise<Running>;
}

const STOP_DEADLINE_MS = 5_000;
const EXIT = { ok: 0, failed: 1, badConfig: 2 } as const;
const logSpec = { log: { level: choice(["debug", "info", "warn", "error"], { default: "info" }) } };

/**
 * The life of a program, called by its `main.ts` as `await runService({ name, spec, start }, process)`: reads
 * the configuration, starts, says `service.ready`, waits for SIGTERM or SIGINT, stops within 5 s and exits
 * with 0. A failure is one line on standard error: exit code 2 for a bad configuration, 1 for anything else.
 */
export async function runService<Spec extends ConfigSpec>(
  definition: ServiceDefinition<Spec>,
  host: NodeJS.Process,
): Promise<void> {
  const prepared = prepare(definition, host);
  if (prepared.kind !== "ready") {
    (prepared.kind === "answer" ? host.stdout : host.stderr).write(prepared.text);
    host.exit(prepared.kind === "answer" ? EXIT.ok : EXIT.badConfig);
  }
  const { config, log } = prepared;
  const life: Life = { name: definition.name, log, host, stopping: new AbortController() };
  watchForStop(life);
  watchForCrash(life);
  const { signal } = life.stopping;
  const status = new Status(definition.name, systemClock);
  try {
    const running = await definition.start({ config, log, status, clock: systemClock, signal });
    status.enter("ready");
    log.info("service.ready", { ...running.facts, pid: host.pid });
    await Promise.race([toldToStop(signal), running.ended ?? toldToStop(signal)]);
    status.enter("stopping");
    life.stopping.abort();
    await running.stop();
  } catch (cause) {
    // A start that was told to stop half-way ends by throwing the signal's reason: that is a good end.
    if (cause !== signal.reason) return fail(life, cause);
  }
  log.info("service.stopped");
  host.exit(EXIT.ok);
}

interface Life {
  readonly name: string;
  readonly log: Log;
  readonly host: NodeJS.Process;
  readonly stopping: AbortController;
}

type Prepared<Spec> =
  | { readonly kind: "ready"; readonly config: ConfigOf<Spec>; readonly log: Log }
  | { readonly kind: "answer" | "refusal"; readonly text: string };

function prepare<Spec extends ConfigSpec>(
  { name, spec }: ServiceDefinition<Spec>,
  host: NodeJS.Process,
): Prepared<Spec> {
  const inputs = { env: host.env, argv: host.argv.slice(2) };
  const all = { ...spec, ...logSpec };
  if (inputs.argv.includes("--help")) return { kind: "answer", text: usage(name, all) };
  try {
    if (inputs.argv.includes("--check-config")) {
      return { kind: "answer", text: explainConfig(all, inputs).join("\n").concat("\n") };
    }
    const config = loadConfig(all, inputs) as ConfigOf<Spec> & ConfigOf<typeof logSpec>;
    return { kind: "ready", config, log: createLog(name, { level: config.log.level }) };
  } catch (cause) {
    if (!(cause instanceof Rejection)) throw cause;
    return { kind: "refusal", text: `cairn-${name}: ${cause.message} (${cause.remedy})\n` };
  }
}

function usage(name: string, spec: ConfigSpec): string {
  const common = [
    `cairn-${name} [--config FILE] [--check-config] [--stop-with-stdin] [--section-key VALUE ...]`,
    "",
    "Settings come from FILE ([section] key = value), then CAIRN_<SECTION>_<KEY>, then these flags:",
  ];
  return [...common, ...describeSettings(spec), ""].join("\n");
}

/** The first signal asks for an end, with a deadline; a second one does not wait for it. */
function watchForStop(life: Life): void {
  const { host, log, stopping } = life;
  const stop = (reason: string): void => {
    if (stopping.signal.aborted) host.exit(EXIT.failed);
    log.info("service.stopping", { reason });
    stopping.abort();
  };
  stopping.signal.addEventListener("abort", () => {
    const overdue = setTimeout(() => {
      log.error("service.stop-overdue", { limit_ms: STOP_DEADLINE_MS });
      host.exit(EXIT.failed);
    }, STOP_DEADLINE_MS);
    overdue.unref();
  });
  host.on("SIGTERM", () => stop("SIGTERM"));
  host.on("SIGINT", () => stop("SIGINT"));
  if (host.argv.includes("--stop-with-stdin")) {
    // The parent holds the other end of the pipe: its death, however sudden, ends this program too. It is no
    // second signal when the parent had asked for the end before.
    const orphaned = (reason: string) => (): void => {
      if (!stopping.signal.aborted) stop(reason);
    };
    host.stdin
      .on("end", orphaned("the parent closed standard input"))
      .on("error", orphaned("standard input"));
    host.stdin.resume();
  }
}

/** A bug that nobody caught: say so, and end. The program that started us starts us again. */
function watchForCrash(life: Life): void {
  life.host.on("uncaughtException", (cause) => fail(life, cause));
  life.host.on("unhandledRejection", (cause) => fail(life, cause));
}

function fail({ name, log, host }: Life, cause: unknown): never {
  log.error("service.failed", { fault: asError(cause) });
  host.stderr.write(`cairn-${name}: ${describeFault(cause)}\n`);
  return host.exit(EXIT.failed);
}

/**
 * Resolves at the abort, and keeps the process alive until then even when it holds no socket and no timer.
 */
async function toldToStop(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const awake = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  clearInterval(awake);
}
