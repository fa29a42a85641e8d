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
    /** The operation begins so long after the snapshot was asked for. */
    | { readonly isFull: boolean; readonly when: "beside"; readonly delayMs: number }
    | undefined;
  /** How the instance is afterwards. */
  readonly leaves: InstanceState;
}

interface Rule {
  readonly from: readonly InstanceState[];
  readonly to: InstanceState | "as-before";
  /**
   * Whether a running job lets it through. libvirt's lock on a domain with a job makes these fail after 30 s,
   * or refuses them: the driver's README names each, and what a tenant sees.
   */
  readonly beside: boolean;
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
  write: { from: RUNS, to: "as-before", beside: true },
  pause: { from: RUNS, to: "paused", beside: true },
  unpause: { from: ["paused"], to: "active", beside: true },
  suspend: { from: RUNS, to: "suspended", beside: false },
  resume: { from: ["suspended"], to: "active", beside: true },
  "soft-reboot": { from: RUNS, to: "active", beside: true },
  "hard-reboot": { from: ["active", "paused", "stopped"], to: "active", beside: true },
  stop: { from: RUNS, to: "stopped", beside: true },
  start: { from: ["stopped"], to: "active", beside: true },
  resize: { from: RUNS, to: "active", beside: true },
  "create-image": { from: ["active", "stopped"], to: "as-before", beside: true },
  "attach-volume": { from: RUNS, to: "active", beside: true, when: (has) => has.hasExtra && !has.isAttached },
  "detach-volume": { from: RUNS, to: "active", beside: false, when: (has) => has.isAttached },
  "extend-volume": {
    from: RUNS,
    to: "active",
    beside: false,
    when: (has) => has.isAttached && !has.isExtended,
  },
  "snapshot-volume": { from: RUNS, to: "as-before", beside: false },
  rebuild: { from: RUNS, to: "active", beside: true, when: (has) => has.boot === "image" },
  shelve: { from: RUNS, to: "shelved", beside: true },
  unshelve: { from: ["shelved"], to: "active", beside: false },
  "kill-qemu": { from: ["active", "paused"], to: "stopped", beside: true },
  "restart-libvirt": { from: ANY, to: "as-before", beside: true },
  "restart-datamover": { from: ANY, to: "as-before", beside: true },
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
const DELAY_MAX_MS = 4_000;

/**
 * A sequence of operations that OpenStack accepts, the same for the same seed. What was done least is likelier
 * to come next, so that a long sequence has everything. At its end all instances run.
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
    const instance = Math.floor(random() * states.length);
    const now = states[instance];
    if (now === undefined) break;
    take(instance, choose(random, allowed(now), tally));
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

function choose(
  random: () => number,
  operations: readonly Operation[],
  tally: ReadonlyMap<Operation, number>,
): Operation {
  const weights = operations.map((each) => 1 / (1 + 3 * (tally.get(each) ?? 0)) ** 3);
  let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return operations.at(index) ?? "write";
}

function stepOf(
  random: () => number,
  { instance, operation, state }: { instance: number; operation: Operation; state: InstanceState },
): Step {
  const { to, beside } = RULES[operation];
  const leaves = to === "as-before" ? state : to;
  const [wants, isBeside, isFull, delay] = [random(), random(), random(), random()];
  const base = { instance, operation, leaves };
  if (wants >= SNAPSHOT_SHARE) return { ...base, snapshot: undefined };
  const full = isFull < FULL_SHARE;
  if (beside && isBeside < BESIDE_SHARE) {
    const delayMs = Math.floor(delay * DELAY_MAX_MS);
    return { ...base, snapshot: { isFull: full, when: "beside", delayMs } };
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
    : `${what}, ${kind} ${snapshot.delayMs} ms before it`;
}
