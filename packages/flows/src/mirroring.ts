import {
  contentsMark,
  findMirror,
  type MaintenanceResult,
  type MirrorCursor,
  type TargetRow,
} from "@cairn/database";
import { Fault, newId, type RepositoryId } from "@cairn/kernel";
import { mirror, mirrorRemovals, sweepApart } from "@cairn/maintenance";
import type { Store, TargetAddress } from "@cairn/store";
import type { MaintenanceWork, MaintenanceWorld } from "./maintenance.ts";
import { addressOf, openTarget } from "./targets.ts";

/*
 * Keeps the mirror of a repository: copies what it lacks, lets go what was deleted when its time is over, and
 * sweeps it. Where nothing came and nothing went, neither target is asked for anything.
 */

/** What waits for the mirror's own sweep, or for damage to be healed, is tried again after so long. */
const HELD_BACK_AGAIN_MS = 15 * 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** The second copy of a repository. */
interface Mirror {
  readonly row: TargetRow;
  readonly store: Store;
  readonly address: TargetAddress;
  readonly keepMs: number;
}

/** The mirror of a repository, while it answers; undefined when it has none. */
export async function openMirror(
  { database, masterKey }: Pick<MaintenanceWorld, "database" | "masterKey">,
  repositoryId: RepositoryId,
): Promise<Mirror | undefined> {
  const found = await findMirror(database.handle, repositoryId);
  if (found?.target.is_online !== true) return undefined;
  const { target: row, keepDays } = found;
  const store = openTarget(row, masterKey);
  return { row, store, address: addressOf(row, masterKey), keepMs: keepDays * DAY_MS };
}

/** Brings a repository's mirror up to date. */
export async function mirrorRepository(work: MaintenanceWork): Promise<MaintenanceResult> {
  const { world, row } = work;
  const { database, clock, settings } = world;
  const found = await openMirror(world, row.repositoryId);
  // Somebody took the mirror away, or it went away, since the work was claimed.
  if (found === undefined) throw new Fault("mirror-away", "mirroring: the mirror is not there", "later");
  const startedAt = new Date(clock.now()).toISOString();
  const contents = await contentsMark(database.handle, row.repositoryId);
  const last = row.cursor as MirrorCursor | null;
  const isSweepDue = last === null || clock.now() - Date.parse(last.sweptAt) >= settings.sweepEveryMs;
  if (last?.contents === contents && last.heldBack === 0 && !isSweepDue) {
    return { againInMs: settings.mirrorEveryMs, cursor: { ...last, mirroredAt: startedAt } };
  }
  const copied = await copyMissing(work, found);
  const removals = await mirrorRemovals({ ...sidesOf(work, found), keepMs: found.keepMs });
  if (isSweepDue) await sweepMirror(work, found);
  const heldBack = copied.heldBack.filter(({ because }) => because !== "gone").length;
  const cursor: MirrorCursor = {
    contents,
    mirroredAt: startedAt,
    sweptAt: isSweepDue ? startedAt : last.sweptAt,
    heldBack,
  };
  const againInMs = heldBack === 0 ? settings.mirrorEveryMs : HELD_BACK_AGAIN_MS;
  const { removed, kept } = removals;
  return { againInMs, cursor, report: { ...copied, removed, kept } };
}

function sidesOf({ repository, signal }: MaintenanceWork, { store: target }: Mirror) {
  return { source: repository.store, target, handle: repository, signal };
}

async function copyMissing(work: MaintenanceWork, found: Mirror) {
  const { clock, log, settings } = work.world;
  const { mirrorBytesPerSecond: bytesPerSecond } = settings;
  const report = await mirror({ ...sidesOf(work, found), clock, bytesPerSecond, sessionId: newId() });
  const { mirrored, heldBack, packs, bytes, durationMs } = report;
  const counts = { mirrored: mirrored.length, held_back: heldBack.length, packs, bytes };
  const facts = { repository: work.row.repositoryId, mirror: found.row.id };
  if (mirrored.length + heldBack.length > 0) {
    log.info("repository.mirrored", { ...facts, ...counts, duration_ms: durationMs });
  }
  return report;
}

/** What the mirror keeps is the same repository with other deletions: its sweep is one as any other. */
async function sweepMirror({ world, row, repository, signal }: MaintenanceWork, found: Mirror) {
  const { engine, environment } = world;
  const { repositoryId, keys } = repository;
  const by = `${engine}#${String(row.generation)}`;
  const request = { target: found.address, handle: { repositoryId, keys }, by };
  return sweepApart({ ...request, heldSnapshots: new Set() }, { environment, signal });
}
