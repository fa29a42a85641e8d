import { hasCode } from "@cairn/kernel";
import { type RecordKind, type RepositoryHandle, repositoryNames } from "@cairn/repository";
import type { Store } from "@cairn/store";
import { type Damage, toDamage } from "./damage.ts";
import { meteredStore, newMeter, requestsOf } from "./meter.ts";
import { checkPack, type PackFinding } from "./pack-check.ts";
import { packName } from "./page-source.ts";
import { afterPack, afterShard, firstCursor, planScrub, shardOf } from "./scrub-plan.ts";
import type { ScrubCursor, ScrubReport, ScrubRequest } from "./scrub-report.ts";
import { limiter } from "./token-bucket.ts";

/** How often the plan is made anew. */
const PLAN_EVERY_MS = 60_000;

/**
 * Reads packs again, from where the cursor says, for about as long as the budget, or to the end of a pass.
 * With data keys each record is opened and named; with structure keys alone checksums are compared. What is
 * found is in the report: `recordDamage` keeps writers from referring to it, `heal` mends it. Packs that a
 * sweep removes meanwhile are passed over. Faults: those of the target as a whole; the last cursor that
 * `onProgress` got is good then.
 */
export async function scrub(request: ScrubRequest): Promise<ScrubReport> {
  const { clock, signal, goalMs, rate } = request;
  const startedAt = clock.now();
  const now = await request.store.time(signal);
  const meter = newMeter();
  const cursor = request.cursor ?? firstCursor(now);
  const { pass } = cursor;
  let plan = planScrub(now, cursor, goalMs, rate);
  let plannedAt = startedAt;
  const speed = changingSpeed(request, () => plan.bytesPerSecond);
  const store = meteredStore(request.store, meter, speed);
  const run: Run = { request, store, damage: [], packs: 0, cursor };
  const mayGoOn = async (): Promise<boolean> => {
    signal.throwIfAborted();
    const passed = clock.now() - startedAt;
    if (clock.now() - plannedAt >= PLAN_EVERY_MS) {
      plannedAt = clock.now();
      plan = planScrub(now + passed, run.cursor, goalMs, rate);
    }
    return passed < request.budgetMs;
  };
  while (run.cursor.pass === pass && (await mayGoOn())) await scrubShard(run, mayGoOn);
  const end = now + (clock.now() - startedAt);
  const { alarm } = planScrub(end, run.cursor, goalMs, rate);
  return {
    cursor: run.cursor,
    passFinished: run.cursor.pass !== pass,
    packs: run.packs,
    bytesRead: meter.bytesRead,
    requests: requestsOf(meter),
    damage: run.damage,
    ...(alarm === undefined ? {} : { alarm }),
  };
}

interface Run {
  readonly request: ScrubRequest;
  readonly store: Store;
  readonly damage: Damage[];
  packs: number;
  cursor: ScrubCursor;
}

/** Bytes at the planned speed, which changes as the pass goes on, and requests at the allowed one. */
function changingSpeed(
  request: ScrubRequest,
  bytesPerSecond: () => number,
): (bytes: number) => Promise<void> {
  const { clock, signal, rate } = request;
  let planned = bytesPerSecond();
  let forBytes = limiter(clock, planned, signal);
  const forRequests =
    rate.requestsPerSecond === undefined ? undefined : limiter(clock, rate.requestsPerSecond, signal);
  return async (bytes) => {
    if (bytesPerSecond() !== planned) {
      planned = bytesPerSecond();
      forBytes = limiter(clock, planned, signal);
    }
    await forRequests?.(1);
    if (bytes > 0) await forBytes(bytes);
  };
}

async function scrubShard(run: Run, mayGoOn: () => Promise<boolean>): Promise<void> {
  const { request, store } = run;
  const { handle, clock, signal } = request;
  const { kind, digits } = shardOf(run.cursor.shard);
  const prefix = `${repositoryNames(handle.repositoryId).packs(kind)}${digits}/`;
  const ids: string[] = [];
  for await (const name of store.list(prefix, signal)) ids.push(name.slice(prefix.length));
  const { after } = run.cursor;
  for (const id of ids.toSorted()) {
    if (after !== undefined && id <= after) continue;
    if (!(await mayGoOn())) return;
    await scrubPack(run, kind, id);
  }
  run.cursor = afterShard(run.cursor, await store.time(signal));
  request.onProgress?.(run.cursor);
  signal.throwIfAborted();
  // A target without packs must not keep the thread from anything else.
  await clock.sleep(0, signal);
}

async function scrubPack(run: Run, kind: RecordKind, id: string): Promise<void> {
  const { request, store } = run;
  const { handle, signal } = request;
  const name = packName(handle, kind, id);
  const sizeBytes = await store.size(name, signal);
  if (sizeBytes === undefined) return;
  const level = opensRecords(handle, kind) ? "data" : "packs";
  const finding = await checkPack({ store, handle, kind, pack: id, level, refs: "all", signal });
  const found = damageIn(handle, kind, id, finding);
  run.damage.push(...found);
  run.packs += 1;
  run.cursor = afterPack(run.cursor, { id, bytes: sizeBytes, damaged: found.length });
  request.onProgress?.(run.cursor);
}

/** Pages are opened when trees are walked; here their packs' checksums say as much. */
function opensRecords(handle: RepositoryHandle, kind: RecordKind): boolean {
  const { keys } = handle;
  return (
    kind === "chunk" && keys.chunkId !== undefined && keys.epochs.every(({ data }) => data !== undefined)
  );
}

/** What is wrong with a pack: its records where they are known, else the pack. */
function damageIn(
  handle: RepositoryHandle,
  kind: RecordKind,
  pack: string,
  finding: PackFinding,
): readonly Damage[] {
  const object = packName(handle, kind, pack);
  if (finding.pack !== undefined) {
    const gone = hasCode(finding.pack, "object-missing");
    return gone ? [] : [toDamage(`${kind}-pack`, object, finding.pack)];
  }
  return finding.records.map(({ ref, fault }) => {
    const record = { id: ref.id.toString("hex"), offset: ref.offset, storedBytes: ref.storedBytes };
    return toDamage(kind, object, fault, record);
  });
}
