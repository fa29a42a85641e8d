/** What a tenant, an operator or fate does to an instance. */
export type Operation =
  | "write"
  | "pause"
  | "unpause"
  | "suspend"
  | "resume"
  | "soft-reboot"
  | "hard-reboot"
  | "stop"
  | "start"
  | "resize"
  | "create-image"
  | "attach-volume"
  | "detach-volume"
  | "extend-volume"
  | "snapshot-volume"
  | "rebuild"
  | "shelve"
  | "unshelve"
  | "kill-qemu"
  | "restart-libvirt"
  | "restart-datamover";

export type InstanceState = "active" | "paused" | "suspended" | "stopped" | "shelved";

/** An instance as far as the planner must know it. */
export interface PlannedInstance {
  readonly boot: "image" | "volume";
  /** Whether it has a volume that comes and goes, and grows while attached. */
  readonly hasExtra: boolean;
}

/** One step: an operation, and a snapshot beside it or after it. */
export interface Step {
  readonly instance: number;
  readonly operation: Operation;
  readonly snapshot:
    | { readonly isFull: boolean; readonly when: "after" }
    | {
        readonly isFull: boolean;
        readonly when: "beside";
        /**
         * The operation begins so long after the snapshot was asked for, or a datamover was told to take it.
         */
        readonly after: "asked" | "handed-out";
        readonly delayMs: number;
      }
    | undefined;
  /** How the instance is afterwards. */
  readonly leaves: InstanceState;
}

interface Rule {
  readonly from: readonly InstanceState[];
  readonly to: InstanceState | "as-before";
  readonly when?: (instance: Traits) => boolean;
}

interface Traits extends PlannedInstance {
  readonly isAttached: boolean;
  readonly isExtended: boolean;
}

const RUNS: readonly InstanceState[] = ["active"];
const ANY: readonly InstanceState[] = ["active", "paused", "suspended", "stopped"];

/** Which operations Nova and Cinder accept when; what they refuse by a 409 is not asked for. */
const RULES: Readonly<Record<Operation, Rule>> = {
  write: { from: RUNS, to: "as-before" },
  pause: { from: RUNS, to: "paused" },
  unpause: { from: ["paused"], to: "active" },
  suspend: { from: RUNS, to: "suspended" },
  resume: { from: ["suspended"], to: "active" },
  "soft-reboot": { from: RUNS, to: "active" },
  "hard-reboot": { from: ["active", "paused", "stopped"], to: "active" },
  stop: { from: RUNS, to: "stopped" },
  start: { from: ["stopped"], to: "active" },
  resize: { from: RUNS, to: "active" },
  "create-image": { from: ["active", "stopped"], to: "as-before" },
  "attach-volume": { from: RUNS, to: "active", when: (has) => has.hasExtra && !has.isAttached },
  "detach-volume": { from: RUNS, to: "active", when: (has) => has.isAttached },
  "extend-volume": {
    from: RUNS,
    to: "active",
    when: (has) => has.isAttached && !has.isExtended,
  },
  "snapshot-volume": { from: RUNS, to: "as-before" },
  rebuild: { from: RUNS, to: "active", when: (has) => has.boot === "image" },
  shelve: { from: RUNS, to: "shelved" },
  unshelve: { from: ["shelved"], to: "active" },
  "kill-qemu": { from: ["active", "paused"], to: "stopped" },
  "restart-libvirt": { from: ANY, to: "as-before" },
  "restart-datamover": { from: ANY, to: "as-before" },
};

/** How to make an instance run again. */
const BACK: Readonly<Record<Exclude<InstanceState, "active">, Operation>> = {
  paused: "unpause",
  suspended: "resume",
  stopped: "start",
  shelved: "unshelve",
};

const SNAPSHOT_SHARE = 0.6;
const BESIDE_SHARE = 0.6;
const FULL_SHARE = 0.15;
const HANDED_OUT_SHARE = 0.7;
const DELAY_MAX_MS = 3_000;

/**
 * A sequence of operations that OpenStack accepts, the same for the same seed. What was done least is
 * likelier to come next, so that a long sequence has everything. At its end all instances run.
 */
export function planOperations(
  seed: number,
  count: number,
  instances: readonly PlannedInstance[],
): readonly Step[] {
  const random = seededRandom(seed);
  const tally = new Map<Operation, number>();
  const states = instances.map((each) => ({
    ...each,
    state: "active" as InstanceState,
    isAttached: each.hasExtra,
    isExtended: false,
  }));
  const steps: Step[] = [];
  const take = (instance: number, operation: Operation): void => {
    const now = states[instance];
    if (now === undefined) return;
    steps.push(stepOf(random, { instance, operation, state: now.state }));
    tally.set(operation, (tally.get(operation) ?? 0) + 1);
    now.state = steps.at(-1)?.leaves ?? now.state;
    if (operation === "attach-volume") now.isAttached = true;
    if (operation === "detach-volume") now.isAttached = false;
    if (operation === "extend-volume") now.isExtended = true;
  };
  while (steps.length < count) {
    const choices = states.flatMap((now, instance) =>
      allowed(now).map((operation) => ({ instance, operation })),
    );
    const chosen = choose(random, choices, tally);
    if (chosen === undefined) break;
    take(chosen.instance, chosen.operation);
  }
  for (const [instance, { state }] of states.entries()) if (state !== "active") take(instance, BACK[state]);
  return steps;
}

function allowed(now: Traits & { readonly state: InstanceState }): readonly Operation[] {
  return (Object.keys(RULES) as Operation[]).filter((operation) => {
    const { from, when } = RULES[operation];
    return from.includes(now.state) && (when?.(now) ?? true);
  });
}

function choose<Choice extends { readonly operation: Operation }>(
  random: () => number,
  choices: readonly Choice[],
  tally: ReadonlyMap<Operation, number>,
): Choice | undefined {
  const weights = choices.map(({ operation }) => 1 / (1 + 3 * (tally.get(operation) ?? 0)) ** 3);
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return choices.at(index);
}

function stepOf(
  random: () => number,
  { instance, operation, state }: { instance: number; operation: Operation; state: InstanceState },
): Step {
  const { to } = RULES[operation];
  const leaves = to === "as-before" ? state : to;
  const [wants, isBeside, isFull, delay, after] = [random(), random(), random(), random(), random()];
  const base = { instance, operation, leaves };
  if (wants >= SNAPSHOT_SHARE) return { ...base, snapshot: undefined };
  const full = isFull < FULL_SHARE;
  // Of a shelved instance no snapshot would begin.
  if (operation !== "unshelve" && isBeside < BESIDE_SHARE) {
    const delayMs = Math.floor(delay * DELAY_MAX_MS);
    const waits = after < HANDED_OUT_SHARE ? "handed-out" : "asked";
    return { ...base, snapshot: { isFull: full, when: "beside", after: waits, delayMs } };
  }
  return { ...base, snapshot: { isFull: full, when: "after" } };
}

/** Mulberry32 (Tommy Ettinger, public domain): numbers from 0 to below 1. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let hash = Math.imul(state ^ (state >>> 15), state | 1);
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61);
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** For messages: `7. hard-reboot of 0, a full snapshot beside it`. */
export function describeStep({ instance, operation, snapshot }: Step, index: number): string {
  const what = `${index + 1}. ${operation} of ${instance}`;
  if (snapshot === undefined) return what;
  const kind = snapshot.isFull ? "a full snapshot" : "a snapshot";
  return snapshot.when === "after"
    ? `${what}, ${kind} after it`
    : `${what}, ${snapshot.delayMs} ms after ${kind} was ${snapshot.after}`;
}
