import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createTestDatabase,
  type Database,
  ensureDefaultTarget,
  openDatabase,
  registerDatamover,
  touchDatamover,
} from "@cairn/database";
import type { FlowName } from "@cairn/domain";
import { asId, Secret, type SnapshotId } from "@cairn/kernel";
import type { KeyPolicy } from "../repository-keys.ts";
import { emptyHosts, type HostState } from "./fake-datamover.ts";
import { type CloudState, emptyState, PROJECT, USER } from "./fake-state.ts";

export const WORKLOAD = "10000000-0000-4000-8000-000000000001";
export const SNAPSHOT = "20000000-0000-4000-8000-000000000001";
export const SAFETY = "20000000-0000-4000-8000-000000000002";
export const RESTORE = "30000000-0000-4000-8000-000000000001";
export const RUN = "40000000-0000-4000-8000-000000000001";

/** A database and a target of its own for one test file, and a cloud that each test may change or replace. */
export interface World extends AsyncDisposable {
  readonly database: Database;
  readonly targetPath: string;
  readonly masterKey: Secret<Buffer>;
  keyPolicy: KeyPolicy;
  cloud: CloudState;
  hosts: HostState;
}

export async function createWorld(environment: Readonly<Record<string, string | undefined>>): Promise<World> {
  const testDatabase = await createTestDatabase(environment);
  const database = openDatabase(testDatabase.url);
  const targetPath = await mkdtemp(join(tmpdir(), "cairn-flows-"));
  await database.transaction(async (transaction) => ensureDefaultTarget(transaction, targetPath));
  await registerDatamover(database.handle, asId("compute-1"), new Secret("token"));
  await touchDatamover(database.handle, asId("compute-1"), {
    version: "1",
    capabilities: ["mount-in-guest"],
  });
  return {
    database,
    targetPath,
    masterKey: new Secret(randomBytes(32)),
    keyPolicy: { withoutEscrow: true, barbican: false },
    cloud: emptyState(),
    hosts: emptyHosts(),
    [Symbol.asyncDispose]: async () => {
      await database.close();
      await testDatabase.drop();
      await rm(targetPath, { recursive: true, force: true });
    },
  };
}

/** Puts the rows of workload and snapshot back to how they are when a run of this flow begins. */
export async function openRows(
  world: World,
  fields: {
    readonly flow: FlowName;
    readonly members: readonly string[];
    readonly restoreType?: string;
    /** That the snapshot is mounted in. */
    readonly mountInstance?: string;
  },
): Promise<void> {
  const { handle } = world.database;
  await handle.deleteFrom("workload_instance").execute();
  if (fields.flow !== "snapshot-dismount") await handle.deleteFrom("snapshot_mount").execute();
  await handle.deleteFrom("restore").execute();
  const held = { status: "locked", run_id: asId<"run">(RUN), next_full: false, error_message: null } as const;
  await handle
    .insertInto("workload")
    .values({ id: asId(WORKLOAD), project_id: asId(PROJECT), user_id: asId(USER), name: "shop", ...held })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(held))
    .execute();
  for (const id of fields.members) {
    const row = { instance_id: asId<"instance">(id), workload_id: asId<"workload">(WORKLOAD), name: id };
    await handle.insertInto("workload_instance").values(row).execute();
  }
  if (fields.flow === "snapshot") await openSnapshotRow(world, { id: SNAPSHOT, name: "nightly" });
  if (fields.flow === "restore") await openRestoreRow(world, fields.restoreType ?? "oneclick");
  if (fields.flow === "snapshot-mount") await openMountRow(world, fields.mountInstance ?? "");
  if (fields.flow === "safety-snapshot") {
    await openSnapshotRow(world, { id: SAFETY, name: "Before restore of nightly" });
    await openRestoreRow(world, "inplace", asId(SAFETY));
  }
}

async function openSnapshotRow(
  world: World,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<void> {
  const { handle } = world.database;
  await handle.deleteFrom("snapshot").where("id", "=", asId<"snapshot">(id)).execute();
  await handle
    .insertInto("snapshot")
    .values({
      id: asId(id),
      workload_id: asId(WORKLOAD),
      project_id: asId(PROJECT),
      user_id: asId(USER),
      name,
      snapshot_type: "incremental",
      status: "executing",
      run_id: asId(RUN),
    })
    .execute();
}

async function openMountRow(world: World, instanceId: string): Promise<void> {
  const { handle } = world.database;
  const snapshotId = asId<"snapshot">(SNAPSHOT);
  const told = { status: "mounting", mount_error: null, mount_warning: null } as const;
  await handle.updateTable("snapshot").set(told).where("id", "=", snapshotId).execute();
  await handle
    .insertInto("snapshot_mount")
    .values({
      snapshot_id: snapshotId,
      instance_id: asId(instanceId),
      instance_name: "recovery",
      run_id: asId(RUN),
      mounted_at: null,
    })
    .execute();
}

async function openRestoreRow(world: World, restoreType: string, safetyId?: SnapshotId): Promise<void> {
  const { handle } = world.database;
  await handle
    .updateTable("snapshot")
    .set({ status: "restoring" })
    .where("id", "=", asId<"snapshot">(SNAPSHOT))
    .execute();
  await handle
    .insertInto("restore")
    .values({
      id: asId(RESTORE),
      snapshot_id: asId(SNAPSHOT),
      workload_id: asId(WORKLOAD),
      project_id: asId(PROJECT),
      user_id: asId(USER),
      name: "back",
      restore_type: restoreType as "oneclick",
      options: "{}",
      safety_snapshot_id: safetyId ?? null,
      status: "executing",
      run_id: asId(RUN),
    })
    .execute();
}
