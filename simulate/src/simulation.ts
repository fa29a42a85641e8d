import { createKeySet, initRepository } from "@cairn/repository";
import { Chance } from "./chance.ts";
import { checkAll, checkDamageIsNamed, checkNothingIsLeft } from "./checkers.ts";
import { keyRotator, lockExtender } from "./keepers.ts";
import { sweeperOf } from "./maintainers.ts";
import { mirrorer } from "./mirrorer.ts";
import { portOf } from "./port.ts";
import { restorer } from "./restorer.ts";
import { CALM, DAY_MS, HOUR_MS, type Scenario } from "./scenario.ts";
import { Scheduler, START_MS } from "./scheduler.ts";
import { scrubber } from "./scrubber.ts";
import { standInForChanceAndTime, uuidOf } from "./stand-in.ts";
import { Target, type Violation } from "./target.ts";
import { drawWorkload } from "./workload.ts";
import { World } from "./world.ts";
import { writerOf } from "./writer.ts";

const STEPS_MAX = 200_000;

/** What became of one seed. */
export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** SHA-256 over all that happened, in its order: equal for equal seeds. */
  readonly traceHash: string;
  readonly steps: number;
  readonly snapshots: number;
  /** What was tried, and how often: sweep, compaction, rescue, restore, mirror, heal, lock. */
  readonly happenings: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
}

/** Simulates one scenario from its beginning until all have come to rest, and looks at what is left. */
export async function simulate(
  scenario: Scenario,
  options: { readonly keepTrace?: boolean } = {},
): Promise<SeedReport> {
  const chance = new Chance(scenario.seed, 2);
  using _ = standInForChanceAndTime(new Chance(scenario.seed, 3));
  const scheduler = new Scheduler({ keepTrace: options.keepTrace === true });
  const world = await makeWorld(scenario, scheduler, chance);
  await founding(world);
  startPrograms(world);
  world.startWeather();
  scheduleRot(world);
  scheduleOutages(world);
  for (let day = 1; day <= scenario.days && world.violations.length === 0; day += 1) {
    await letHappen(world, START_MS + day * DAY_MS);
    await checkAll(world);
  }
  if (world.violations.length === 0) await comeToRest(world);
  return {
    seed: scenario.seed,
    violations: world.violations,
    traceHash: scheduler.traceHash(),
    steps: scheduler.steps,
    snapshots: world.workloads.flatMap(({ rows }) => rows).length,
    happenings: world.happenings,
    trace: scheduler.trace,
  };
}

function startPrograms(world: World): void {
  const { scenario } = world;
  for (const [index, workload] of world.workloads.entries())
    world.spawn("writer", `writer-${index}`, writerOf(workload));
  for (let index = 0; index < scenario.sweepers; index += 1) {
    world.spawn("maintainer", `sweeper-${index}`, sweeperOf(index, world.main));
  }
  if (world.mirror !== undefined) {
    world.spawn("maintainer", "mirrorer", mirrorer(world.mirror));
    world.spawn("maintainer", "mirror-sweeper", sweeperOf(0, world.mirror));
  }
  if (scenario.lockWindowMs !== undefined) {
    world.spawn("maintainer", "lock-extender", lockExtender(scenario.lockWindowMs));
  }
  if (scenario.rotatesKeys) world.spawn("maintainer", "key-rotator", keyRotator());
  if (scenario.restored) world.spawn("maintainer", "restorer", restorer());
  if (scenario.scrubbed) world.spawn("maintainer", "scrubber", scrubber());
}

async function makeWorld(scenario: Scenario, scheduler: Scheduler, chance: Chance): Promise<World> {
  const ids = new Chance(scenario.seed, 4);
  const random = (length: number): Buffer => ids.bytes(length);
  const lag = { listLagMs: scenario.listLagMs };
  const repositoryId = uuidOf(ids.bytes(16));
  const masterKey = ids.bytes(32);
  const keySet = await createKeySet({
    repositoryId,
    slots: [{ kind: "key-file", key: masterKey, label: "control plane", rights: "all" }],
    withoutEscrow: true,
    at: START_MS,
    random,
  });
  return new World(scenario, {
    scheduler,
    chance,
    main: new Target("main", lag),
    mirror: scenario.mirrored ? new Target("mirror", lag) : undefined,
    keySet,
    masterKey,
    random,
  });
}

async function founding(world: World): Promise<void> {
  const { faults } = world;
  world.faults = CALM;
  const { repositoryId, bytes } = world.keySet;
  world.spawn("founder", "founder", async (process) => {
    await initRepository(portOf(process, world.main), { repositoryId, keySet: bytes });
  });
  await letHappen(world, START_MS + HOUR_MS);
  world.faults = faults;
  const { chance, scenario } = world;
  for (let index = 0; index < scenario.writers; index += 1) world.workloads.push(drawWorkload(chance));
}

/** The target is full or away for some hours, now and then. */
function scheduleOutages(world: World): void {
  const { chance, scenario, scheduler, main } = world;
  for (let index = 0; index < scenario.outages; index += 1) {
    const lasts = chance.between(1, 10) * HOUR_MS;
    const kind = chance.pick(["full", "away"]);
    scheduler.after(chance.below(scenario.days * DAY_MS), () => {
      if (world.ending) return;
      scheduler.note(`main is ${kind} for ${lasts / HOUR_MS} h`);
      if (kind === "full") main.fullUntil = scheduler.now + lasts;
      else main.awayUntil = scheduler.now + lasts;
    });
  }
}

/** The medium damages a pack now and then: a bit, or all from some place on. */
function scheduleRot(world: World): void {
  const { chance, scenario, scheduler, main } = world;
  for (let index = 0; index < scenario.rottenPacks; index += 1) {
    scheduler.after(chance.below(scenario.days * DAY_MS), () => {
      const packs = [...main.objects].filter(([name]) => /\/[pm]\//.test(name));
      if (world.ending || packs.length === 0) return;
      const [name, object] = chance.pick(packs);
      const at = chance.below(object.bytes.length);
      object.bytes = chance.often(0.2) ? object.bytes.subarray(0, at) : withFlippedBit(object.bytes, at);
      scheduler.note(`${world.shorten(name)} ROTS at byte ${at}`);
    });
  }
}

function withFlippedBit(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** The trouble ends: everybody comes to an end of what was begun, and everything is looked at once more. */
async function comeToRest(world: World): Promise<void> {
  world.calmDown();
  await letHappen(world, Number.POSITIVE_INFINITY);
  const { writer, maintainer } = world.running;
  if (writer + maintainer > 0) {
    world.violate("everybody-comes-to-an-end", `${writer} writers and ${maintainer} maintainers never end`);
  }
  await checkAll(world);
  if (world.violations.length > 0) return;
  if (scenarioHasDamage(world)) await checkDamageIsNamed(world);
  else await checkNothingIsLeft(world);
}

function scenarioHasDamage(world: World): boolean {
  return world.main.damaged().size > 0;
}

async function letHappen(world: World, untilMs: number): Promise<void> {
  const ended = await world.scheduler.runUntil(untilMs, STEPS_MAX);
  if (!ended) world.violate("everybody-comes-to-an-end", `more than ${STEPS_MAX} events, and no end`);
}
