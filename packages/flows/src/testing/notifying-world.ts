import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach } from "node:test";
import {
  completeRestore,
  createTestDatabase,
  createWebhook,
  createWorkload,
  type Database,
  lockNamedSettings,
  openDatabase,
  openRestore,
  openSnapshot,
  releaseWorkload,
  saveNamedSetting,
  setRestoreStatus,
  setSnapshotStatus,
  type TestDatabase,
  type WebhookRow,
} from "@cairn/database";
import { NOTICE_EVENTS, type RunResult, secretText } from "@cairn/domain";
import {
  asId,
  newId,
  type ProjectId,
  Secret,
  type SnapshotId,
  systemClock,
  type UserId,
  type WorkloadId,
} from "@cairn/kernel";
import type { TestMailServer } from "@cairn/notify";
import { secretSeal } from "@cairn/openstack";
import { noteEnd } from "../notice-writing.ts";
import { Notifier } from "../notifying.ts";

/** Planted: no log line and no row may show it. */
export const PASSWORD = "planted-password-of-the-mail-server";
/** Planted, too. */
export const SECRET = secretText(Buffer.from("planted-secret-of-the-webhook!!!"));
export const PROJECT: ProjectId = asId("p1");
export const OWNER: UserId = asId("anna");
const WAIT_MS = 15_000;
export const seal = secretSeal(new Secret("service"));
export const failed: RunResult = { kind: "failed", message: "no host" };
export const succeeded: RunResult = { kind: "succeeded" };

let place: TestDatabase;
let engines: readonly Database[];
export let lines: string[] = [];
/** How much later than now the notifiers believe it to be: resting lanes wake. */
let aheadMs = 0;
let running: { readonly stop: AbortController; readonly ended: Promise<void> }[] = [];

/**
 * Notifiers of two engines on one database, for the tests of a file: each test begins without rows and
 * without notifiers.
 */
export function useNotifyingWorld(environment: NodeJS.ProcessEnv): void {
  before(async () => {
    place = await createTestDatabase(environment);
    engines = [openDatabase(place.url), openDatabase(place.url)];
  });
  after(async () => {
    await Promise.all(engines.map(async (each) => each.close()));
    await place.drop();
  });
  beforeEach(clear);
  afterEach(stopAll);
}

const TABLES = [
  "delivery",
  "notice",
  "webhook",
  "named_setting",
  "run",
  "restore",
  "workload",
  "quota",
] as const;

async function clear(): Promise<void> {
  lines = [];
  aheadMs = 0;
  for (const table of TABLES) await database().handle.deleteFrom(table).execute();
}

/** Stops every notifier of the test. */
export async function stopAll(): Promise<void> {
  for (const { stop } of running) stop.abort(new Error("the test is over"));
  await Promise.all(running.map(async ({ ended }) => ended));
  running = [];
}

/** An engine's connections. */
export function database(index = 0): Database {
  const found = engines[index];
  assert.ok(found !== undefined);
  return found;
}

/** Starts an engine's notifier; projects may reach the loopback, unless told otherwise. */
export function start(index = 0, networks: readonly string[] = ["127.0.0.0/8"]): void {
  const note = (event: string, fields?: unknown): void =>
    void lines.push(`${event} ${JSON.stringify(fields)}`);
  const notifier = new Notifier(
    {
      database: database(index),
      clock: { ...systemClock, now: () => systemClock.now() + aheadMs },
      log: { debug: note, info: note, warn: note, error: note },
      seal,
      mailAddressOf: async (userId) => Promise.resolve(userId === OWNER ? "anna@example.org" : undefined),
      reach: { networks, hosts: [] },
      authorities: undefined,
      resolve: async (host) => Promise.resolve(host === "localtest.example" ? ["127.0.0.1"] : []),
    },
    { lookMs: 50, onFault: (what, fault) => note(`${what}.fault`, fault.message) },
  );
  const stop = new AbortController();
  running.push({ stop, ended: notifier.run(stop.signal) });
}

/** Writes settings as the API does. */
export async function set(
  values: Record<string, string>,
  isPublic = true,
  projectId = PROJECT,
): Promise<void> {
  await database().transaction(async (transaction) => {
    await lockNamedSettings(transaction, "test");
    for (const [name, value] of Object.entries(values)) {
      const isPassword = name === "smtp_server_password";
      await saveNamedSetting(
        transaction,
        { projectId, name, isPublic, userId: OWNER },
        {
          stored: isPassword
            ? { kind: "sealed", seal: (id) => seal.close(new Secret(value), id) }
            : { kind: "plain", value },
        },
      );
    }
  });
}

/** Settings that lead to a mail server, with mail switched on. */
export function smtp(server: TestMailServer, more: Record<string, string> = {}): Record<string, string> {
  return {
    smtp_server_name: "127.0.0.1",
    smtp_port: String(server.port),
    smtp_default_sender: "backup@example.org",
    smtp_default_recipient: "operators@example.org",
    smtp_timeout: "1",
    smtp_email_enable: "1",
    ...more,
  };
}

/** Makes a webhook of all events. */
export async function listen(url: string, isForAll = false, projectId = PROJECT): Promise<WebhookRow> {
  const made = await database().transaction(async (transaction) =>
    createWebhook(
      transaction,
      {
        projectId,
        userId: OWNER,
        name: "w",
        url,
        events: NOTICE_EVENTS,
        isForAll,
        seal: (id) => seal.close(new Secret(SECRET), id),
      },
      10,
    ),
  );
  assert.ok(made !== undefined);
  return made;
}

/** Makes a workload of one instance. */
export async function workload(projectId = PROJECT, userId = OWNER): Promise<WorkloadId> {
  const id = newId<"workload">();
  const instances = [{ instanceId: newId<"instance">(), name: "web-1", metadata: {} }];
  await createWorkload(database().handle, { id, projectId, userId, name: "web", description: "", instances });
  return id;
}

/** A snapshot's run from its beginning to its end, as the runner ends it. */
export async function snapshotEnds(
  result: RunResult,
  {
    projectId = PROJECT,
    userId = OWNER,
    workloadId,
  }: { projectId?: ProjectId; userId?: UserId; workloadId?: WorkloadId } = {},
): Promise<SnapshotId> {
  const of = workloadId ?? (await workload(projectId, userId));
  return database().transaction(async (transaction) => {
    const wanted = { workloadId: of, name: "nightly", description: "", snapshotType: "full" } as const;
    const opened = await openSnapshot(transaction, { projectId, userId }, wanted);
    assert.ok(opened.kind === "opened");
    const { snapshot, runId } = opened;
    const isThere = result.kind === "succeeded";
    await setSnapshotStatus(
      transaction,
      snapshot.id,
      isThere ? "available" : "error",
      isThere ? undefined : "No host.",
    );
    await releaseWorkload(transaction, { workloadId: of, runId });
    const subject = { workloadId: of, snapshotId: snapshot.id };
    await noteEnd(
      transaction,
      { id: runId, projectId, userId, flow: "snapshot", subject, request: {} },
      result,
    );
    return snapshot.id;
  });
}

/** A snapshot that succeeds, and a restore of it to its end. */
export async function restoreEnds(result: RunResult): Promise<void> {
  const workloadId = await workload();
  const snapshotId = await snapshotEnds(succeeded, { workloadId });
  const asker = { projectId: PROJECT, userId: OWNER };
  await database().transaction(async (transaction) => {
    const opened = await openRestore(transaction, asker, {
      snapshotId,
      name: "back",
      description: "",
      restoreType: "selective",
      options: {},
    });
    assert.ok(opened.kind === "opened", JSON.stringify(opened));
    const { restore, runId } = opened;
    if (result.kind === "succeeded") {
      await completeRestore(transaction, restore.id, { sizeBytes: 1, writtenBytes: 1, instances: [] });
    } else await setRestoreStatus(transaction, restore.id, "error", "The quota is used up.");
    const subject = { workloadId, snapshotId, restoreId: restore.id };
    await noteEnd(transaction, { id: runId, ...asker, flow: "restore", subject, request: {} }, result);
  });
}

/** Waits until `look` finds something; fails with the log. */
export async function until<Found>(
  what: string,
  look: () => Promise<Found | undefined> | Found | undefined,
): Promise<Found> {
  const deadlineMs = systemClock.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (systemClock.now() > deadlineMs) throw new Error(`${what} did not come:\n${lines.join("\n")}`);
    await systemClock.sleep(20);
  }
}

/** All deliveries, oldest first. */
export const rows = async () =>
  database().handle.selectFrom("delivery").selectAll().orderBy("created_at").execute();

/** Waits until no delivery waits any more. */
export async function settled(count: number) {
  return until(`${String(count)} ended deliveries`, async () => {
    const all = await rows();
    return all.length === count && all.every(({ state }) => state !== "waiting") ? all : undefined;
  });
}

/** Has everything that waits tried now, whatever the pauses. */
export async function hurry(): Promise<void> {
  aheadMs += 600_000;
  await database()
    .handle.updateTable("delivery")
    .set({ next_at: new Date(0) })
    .execute();
}

/** Recipients and subject of each mail that a server took. */
export function subjectsOf(server: TestMailServer): string[] {
  return server.mails
    .map(({ data, to }) => `${to.join()}: ${/^Subject: (.*)$/m.exec(data)?.[1] ?? ""}`)
    .toSorted();
}
