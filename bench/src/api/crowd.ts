import { randomUUID } from "node:crypto";
import { connectApi } from "@cairn/contract";
import { parseSchedule } from "@cairn/domain";
import { type Clock, Fault } from "@cairn/kernel";
import { Client } from "pg";
import type { ApiTree } from "./tree.ts";

/** How large the crowd is. */
export interface CrowdShape {
  readonly projects: number;
  readonly workloads: number;
  readonly snapshots: number;
}

/** One project of the crowd. */
export interface CrowdProject {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly workloadIds: readonly string[];
}

const FIRST_SNAPSHOT_MS = 120_000;
const LOOK_MS = 200;

/**
 * Fills the database: in each project one workload is made and protected by the API itself, and then copied
 * with its snapshot, one for each of the project's other paper instances. So the rows are those that the
 * programs write, and each workload can really be protected.
 */
export async function gather(
  tree: ApiTree,
  shape: CrowdShape,
  clock: Clock,
): Promise<readonly CrowdProject[]> {
  const database = new Client({ connectionString: tree.databaseUrl });
  await database.connect();
  try {
    const projects: CrowdProject[] = [];
    for (const name of tree.projects) projects.push(await fill({ tree, database, shape, clock, name }));
    await database.query("analyze");
    return projects;
  } finally {
    await database.end();
  }
}

interface Filling {
  readonly tree: ApiTree;
  readonly database: Client;
  readonly shape: CrowdShape;
  readonly clock: Clock;
  readonly name: string;
}

async function fill({ tree, database, shape, clock, name }: Filling): Promise<CrowdProject> {
  const cloud = tree.cloudOf(name);
  const { value, project } = await cloud.token();
  const instances = await cloud.nova.servers.list({});
  const [first, ...others] = instances;
  if (first === undefined || project === undefined) throw new Fault("no-crowd", `filling ${name}`, "never");
  const token = value.reveal();
  const seed = await protectFirst(tree, { clock, projectId: project.id, token, instanceId: first.id });
  await database.query("begin");
  const copies = others.map(({ id, name: instance }) => ({ id: randomUUID(), instance: id, name: instance }));
  await database.query(COPY_WORKLOADS, [seed.workloadId, JSON.stringify(copies)]);
  const eachHas = Math.floor(shape.snapshots / shape.workloads);
  await database.query(COPY_SNAPSHOTS, [seed.snapshotId, project.id, eachHas, seed.workloadId]);
  await database.query("commit");
  return { id: project.id, name, token, workloadIds: [seed.workloadId, ...copies.map(({ id }) => id)] };
}

async function protectFirst(
  tree: ApiTree,
  of: {
    readonly clock: Clock;
    readonly projectId: string;
    readonly token: string;
    readonly instanceId: string;
  },
): Promise<{ readonly workloadId: string; readonly snapshotId: string }> {
  const endpoint = `${tree.apiUrl}/v1/${of.projectId}`;
  const api = connectApi({ endpoint, token: async () => of.token });
  const body = { workload: { name: "crowd", instances: [{ "instance-id": of.instanceId }] } };
  const { workload } = await api.createWorkload({ body });
  const params = { workload_id: workload.id };
  const { snapshot } = await api.takeSnapshot({ params, body: { snapshot: {} } });
  const untilMs = of.clock.now() + FIRST_SNAPSHOT_MS;
  for (;;) {
    const shown = await api.showSnapshot({ params: { snapshot_id: snapshot.id } });
    const { status, error_msg: why } = shown.snapshot;
    if (status === "available") return { workloadId: workload.id, snapshotId: snapshot.id };
    if (status === "error" || of.clock.now() > untilMs) {
      throw new Fault("no-crowd", `the first snapshot of a project is ${status}: ${String(why)}`, "never");
    }
    await of.clock.sleep(LOOK_MS);
  }
}

const COPY_WORKLOADS = `
  with copy as (select * from jsonb_to_recordset($2::jsonb) as c (id text, instance text, name text)),
  made as (
    insert into workload select w.* from copy c cross join lateral (
      select (jsonb_populate_record(o, jsonb_build_object(
        'id', c.id, 'name', 'crowd-' || c.name, 'status', 'available', 'run_id', null,
        'created_at', now() - random() * interval '300 days'))).*
      from workload o where o.id = $1) w
    returning id)
  insert into workload_instance select (jsonb_populate_record(i, jsonb_build_object(
      'instance_id', c.instance, 'workload_id', c.id, 'name', c.name))).*
    from copy c join workload_instance i on i.workload_id = $1`;

/** All but the given workload get `$3` snapshots, a day apart; every tenth is a full one. */
const COPY_SNAPSHOTS = `
  insert into snapshot select s.* from workload w
    cross join generate_series(1, $3::int) as n
    cross join lateral (
      select (jsonb_populate_record(o, jsonb_build_object(
        'id', gen_random_uuid(), 'workload_id', w.id, 'run_id', gen_random_uuid(),
        'snapshot_type', case when n % 10 = 1 then 'full' else 'incremental' end,
        'created_at', now() - n * interval '1 day'))).*
      from snapshot o where o.id = $1) s
    where w.project_id = $2 and w.id <> $4`;

/**
 * Gives each workload a daily schedule of its own second within the window, beginning at `fromMs`. Returns
 * their number.
 */
export async function scheduleAll(
  tree: ApiTree,
  projects: readonly CrowdProject[],
  window: { readonly fromMs: number; readonly seconds: number; readonly count: number },
): Promise<number> {
  const ids = projects.flatMap(({ workloadIds }) => workloadIds).slice(0, window.count);
  const rows = ids.map((id, index) => {
    const dueMs =
      Math.ceil(window.fromMs / 1000) * 1000 + Math.floor((index * window.seconds) / ids.length) * 1000;
    return { workload_id: id, due_at: new Date(dueMs).toISOString(), rule: dailyAt(dueMs) };
  });
  const database = new Client({ connectionString: tree.databaseUrl });
  await database.connect();
  try {
    await database.query(
      `insert into schedule (workload_id, rule, due_at, look_at)
       select workload_id, rule, due_at, due_at
         from jsonb_to_recordset($1::jsonb) as r (workload_id text, rule jsonb, due_at timestamptz)`,
      [JSON.stringify(rows)],
    );
    return rows.length;
  } finally {
    await database.end();
  }
}

function dailyAt(dueMs: number): unknown {
  const [year, month, day] = new Date(dueMs).toISOString().slice(0, 10).split("-");
  const given = {
    enabled: true,
    start_date: `${String(month)}/${String(day)}/${String(year)}`,
    start_time: new Date(dueMs).toISOString().slice(11, 19),
    interval: "24 hrs",
    timezone: "UTC",
    retention_policy_type: "Number of Snapshots to Keep",
    retention_policy_value: "1000",
  };
  return parseSchedule(given, { timeZone: "UTC", nowMs: dueMs - 1000 });
}
