import type { KeySet, Randomness, RepositoryHandle } from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { Chance } from "./chance.ts";
import type { Call } from "./process.ts";
import { Process } from "./process.ts";
import {
  CALM,
  DAY_MS,
  type FaultRates,
  HOUR_MS,
  MINUTE_MS,
  rarer,
  type Scenario,
  SECOND_MS,
} from "./scenario.ts";
import type { Scheduler } from "./scheduler.ts";
import { type Target, Violation } from "./target.ts";
import type { Workload } from "./workload.ts";

/** What one process does from its start. It is started again after a crash. */
export type Program = (process: Process) => Promise<void>;

/** Who a program stands for. */
export type ProgramKind = "founder" | "writer" | "maintainer";

/** A request that hung arrives at most so much later. */
const LATE_MAX_MS = 9 * MINUTE_MS;

/** Everything there is in one simulation. */
export class World {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly main: Target;
  readonly mirror: Target | undefined;
  readonly masterKey: Buffer;
  readonly random: Randomness;
  /** The newest keys that the control plane knows. */
  keySet: KeySet;
  readonly workloads: Workload[] = [];
  readonly violations: Violation[] = [];
  readonly lateMaxMs = LATE_MAX_MS;
  faults: FaultRates;
  /** When locks were last extended, after what time they are to be again, and what is promised. */
  locks: { readonly beganAt: number; readonly intervalMs: number; readonly promiseMs: number } | undefined;
  /** How often what happened: what a seed has tried. */
  readonly happenings = new Map<string, number>();
  /** Nobody begins anything new any more. */
  ending = false;
  /** Programs that have not come to their end. */
  readonly running: Record<ProgramKind, number> = { founder: 0, writer: 0, maintainer: 0 };
  #incarnations = 0;

  constructor(
    scenario: Scenario,
    parts: {
      readonly scheduler: Scheduler;
      readonly chance: Chance;
      readonly main: Target;
      readonly mirror: Target | undefined;
      readonly keySet: KeySet;
      readonly masterKey: Buffer;
      readonly random: Randomness;
    },
  ) {
    this.scenario = scenario;
    this.scheduler = parts.scheduler;
    this.chance = parts.chance;
    this.main = parts.main;
    this.mirror = parts.mirror;
    this.keySet = parts.keySet;
    this.masterKey = parts.masterKey;
    this.random = parts.random;
    this.faults = scenario.faults;
  }

  /** The weather: some hours of trouble, some of little. */
  startWeather(): void {
    const { chance, scenario, scheduler } = this;
    const change = (storm: boolean): void => {
      if (this.ending) return;
      this.faults = storm ? scenario.faults : rarer(scenario.faults);
      scheduler.after(chance.between(1, storm ? 6 : 18) * HOUR_MS, () => change(!storm));
    };
    change(chance.often(0.5));
  }

  /** What the control plane hands out with an order. */
  get handle(): RepositoryHandle {
    const { repositoryId, keys } = this.keySet;
    return { repositoryId, keys, random: this.random };
  }

  /** From now on nothing goes wrong any more, and who can end does. */
  calmDown(): void {
    this.faults = CALM;
    this.ending = true;
    this.main.fullUntil = 0;
    this.main.awayUntil = 0;
  }

  /** Starts a program in a process of its own, and again whenever that one dies. */
  spawn(kind: ProgramKind, name: string, program: Program): void {
    this.running[kind] += 1;
    this.#incarnate(kind, name, program);
  }

  #incarnate(kind: ProgramKind, name: string, program: Program): void {
    this.#incarnations += 1;
    const again = (): void => {
      this.#incarnate(kind, name, program);
    };
    const process = new Process(this, {
      name: `${name}#${this.#incarnations}`,
      paceMs: this.#drawPace(),
      onDeath: () => this.scheduler.after(this.chance.below(10 * MINUTE_MS), again),
    });
    program(process).then(
      () => {
        this.running[kind] -= 1;
      },
      (cause: unknown) => {
        const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
        this.violate(cause instanceof Violation ? cause.rule : "no-bugs", `${process.name}: ${message}`);
        this.running[kind] -= 1;
      },
    );
  }

  happened(what: string, times = 1): void {
    if (times > 0) this.happenings.set(what, (this.happenings.get(what) ?? 0) + times);
  }

  violate(rule: string, message: string): void {
    this.scheduler.note(`VIOLATION ${rule}: ${message.split("\n")[0] ?? ""}`);
    this.violations.push(new Violation(rule, message));
  }

  /**
   * Some processes need milliseconds for a call, some are so slow that days pass in the middle of their work.
   */
  #drawPace(): number {
    return this.chance.pick([20, 200, 10 * SECOND_MS, MINUTE_MS, 4 * MINUTE_MS]);
  }

  drawSkew(): number {
    const { skewMs } = this.scenario;
    return skewMs === 0 || this.ending || this.chance.often(0.5) ? 0 : this.chance.below(2 * skewMs) - skewMs;
  }

  drawCrash(process: Process): "before" | "after" | undefined {
    if (!process.alive || !this.chance.often(this.faults.crash)) return undefined;
    return this.chance.pick(["before", "after"]);
  }

  listLagMs(target: Target): number {
    return target.listLagMs === 0 ? 0 : this.chance.below(target.listLagMs);
  }

  lockNew(target: Target, name: string): void {
    const { lockWindowMs } = this.scenario;
    const object = target.objects.get(name);
    if (lockWindowMs !== undefined && object !== undefined) {
      object.lockedUntil = Math.max(object.lockedUntil ?? 0, this.scheduler.now + lockWindowMs);
    }
  }

  /** The parts of the port that not every target has. */
  lockAndTime(process: Process, target: Target): Pick<Store, "time" | "lock"> {
    const { lockWindowMs } = this.scenario;
    const call = async <Result>(operation: Call["operation"], name: string, effect: () => Result) =>
      process.call({ target, operation, name }, effect);
    const time = async (): Promise<number> => call("time", "", () => this.scheduler.now);
    if (lockWindowMs === undefined) return { time };
    const lockedUntil = async (name: string): Promise<number | undefined> =>
      call("lockedUntil", name, () => target.find(name).lockedUntil);
    const extend = async (name: string, untilMs: number): Promise<void> =>
      call("extend", name, () => {
        const object = target.find(name);
        object.lockedUntil = Math.max(object.lockedUntil ?? 0, untilMs);
      });
    return { time, lock: { mode: "compliance", windowMs: lockWindowMs, lockedUntil, extend } };
  }

  /** An object's name as a person can follow it in a trace. */
  shorten(name: string): string {
    return name
      .replace(`${this.handle.repositoryId}/`, "")
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}/g, (id) => id.slice(0, 6));
  }

  /** How long a writer hangs in the middle of its work. */
  drawStallMs(): number {
    if (this.ending) return 0;
    return this.chance.pick([0, 0, 0, 0, 0, this.chance.below(HOUR_MS), this.chance.below(3 * DAY_MS)]);
  }

  /** A short while in which workloads rest. */
  drawPauseMs(): number {
    return this.chance.pick([MINUTE_MS, 5 * HOUR_MS, 15 * HOUR_MS]) + this.chance.below(2 * HOUR_MS);
  }
}
