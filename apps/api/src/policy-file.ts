import { readFile, stat } from "node:fs/promises";
import { defaultRights } from "@cairn/contract";
import { type PolicyRules, policyRules } from "@cairn/domain";
import { asError, assert, type Clock, describeFault, Fault, hasCode } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import { parse } from "yaml";

export interface PolicyFileOptions {
  /** Absent: the defaults alone. */
  readonly path: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each change of rules while running: the contents' length and when they were written. */
  readonly onChange?: (change: { readonly path: string; readonly rules: number }) => Promise<void>;
}

/** Looked at no more often than this, however many requests ask. */
const LOOK_MS = 1_000;
const BYTES_MAX = 1024 * 1024;

/** What tells two states of a file apart without reading it. */
interface Mark {
  readonly modifiedMs: number;
  readonly bytes: number;
  readonly inode: number;
}

/**
 * The rules in force: the defaults with a file's in their place. The file is looked at again when somebody
 * asks and a second has passed. One that cannot be read or is wrong changes nothing: the last good rules
 * stay, and the log says what is wrong.
 */
export class PolicyFile {
  readonly #options: PolicyFileOptions;
  #rules: PolicyRules;
  #mark: Mark | undefined;
  #lookedAtMs: number;
  #looking: Promise<void> | undefined;

  private constructor(options: PolicyFileOptions, rules: PolicyRules, mark: Mark | undefined) {
    this.#options = options;
    this.#rules = rules;
    this.#mark = mark;
    this.#lookedAtMs = options.clock.now();
  }

  /**
   * Reads the file. One that is wrong is a Fault: a service does not begin with other rights than it was
   * told. One that is not there yet means the defaults, and counts from when it is.
   */
  static async open(options: PolicyFileOptions): Promise<PolicyFile> {
    const { path, log } = options;
    const mark = path === undefined ? undefined : await markOf(path);
    if (path === undefined || mark === undefined) {
      if (path !== undefined) log.info("policy.absent", { path });
      const defaults = policyRules(defaultRights(), {});
      assert(defaults.kind === "rules", "the default rules can be read");
      return new PolicyFile(options, defaults.rules, undefined);
    }
    return new PolicyFile(options, await rulesOf(path, log), mark);
  }

  /** The rules as the file has them now, or had them when it was good last. */
  async current(): Promise<PolicyRules> {
    const { path, clock } = this.#options;
    if (path === undefined) return this.#rules;
    if (clock.now() - this.#lookedAtMs >= LOOK_MS) {
      this.#lookedAtMs = clock.now();
      this.#looking = this.#look(path);
    }
    await this.#looking;
    return this.#rules;
  }

  async #look(path: string): Promise<void> {
    const { log, onChange } = this.#options;
    try {
      const mark = await markOf(path);
      if (mark === undefined) {
        if (this.#mark !== undefined) log.error("policy.vanished", { path, in_force: "the last rules" });
        this.#mark = undefined;
        return;
      }
      if (this.#mark !== undefined && isSame(mark, this.#mark)) return;
      this.#mark = mark;
      const rules = await rulesOf(path, log);
      this.#rules = rules;
      log.info("policy.read", { path, rules: rules.size });
      await onChange?.({ path, rules: rules.size });
    } catch (cause) {
      log.error("policy.broken", { path, fault: asError(cause), in_force: "the last good rules" });
    }
  }
}

async function markOf(path: string): Promise<Mark | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return { modifiedMs: mtimeMs, bytes: size, inode: ino };
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw new Fault("policy-file", `looking at ${path}`, "after-operator", cause);
  }
}

function isSame(one: Mark, other: Mark): boolean {
  return one.modifiedMs === other.modifiedMs && one.bytes === other.bytes && one.inode === other.inode;
}

async function rulesOf(path: string, log: Log): Promise<PolicyRules> {
  const reading = policyRules(defaultRights(), await overridesOf(path));
  if (reading.kind === "broken") {
    throw new Fault("policy-file", `reading ${path}: ${reading.problems.join(" ")}`, "after-operator");
  }
  if (reading.unknownActions.length > 0) {
    log.warn("policy.unknown-actions", { path, actions: reading.unknownActions, effect: "none" });
  }
  return reading.rules;
}

async function overridesOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  let given: unknown;
  try {
    const text = await readFile(path, "utf8");
    if (text.length > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX} characters`);
    given = parse(text);
  } catch (cause) {
    throw new Fault("policy-file", `reading ${path}: ${firstLine(cause)}`, "after-operator");
  }
  // A file of comments alone, such as the sample is, overrides nothing.
  if (given === null || given === undefined) return {};
  if (typeof given === "object" && !Array.isArray(given)) return given as Record<string, unknown>;
  throw new Fault("policy-file", `reading ${path}: it should have rules, "name": "check"`, "after-operator");
}

/** YAML's errors draw the place below the sentence. */
function firstLine(cause: unknown): string {
  return describeFault(asError(cause)).split("\n")[0] ?? "";
}
