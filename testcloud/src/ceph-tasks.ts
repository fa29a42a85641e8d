import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cloud, onceTask, type Run } from "./cloud.ts";
import { makeFolders } from "./disk.ts";
import { LOOPBACK, PORTS, type Settings } from "./settings.ts";
import type { Task } from "./task.ts";

/** RBD pools: Cinder's, Nova's, Glance's. */
const POOLS = ["volumes", "vms", "images"] as const;

/** A Ceph user: where its key is written and what it may. */
interface CephUser {
  readonly keyring: string;
  readonly name: string;
  readonly caps: Readonly<Record<string, string>>;
}

const POOL_RIGHTS = POOLS.map((pool) => `profile rbd pool=${pool}`).join(", ");
const ALL = "allow *";

const USERS: readonly CephUser[] = [
  {
    keyring: "ceph.client.admin.keyring",
    name: "client.admin",
    caps: { mon: ALL, osd: ALL, mds: ALL, mgr: ALL },
  },
  {
    keyring: "ceph.client.cinder.keyring",
    name: "client.cinder",
    caps: { mon: "profile rbd", mgr: "profile rbd", osd: POOL_RIGHTS },
  },
  { keyring: "mgr-a/keyring", name: "mgr.a", caps: { mon: "allow profile mgr", osd: ALL, mds: ALL } },
  {
    keyring: "osd-0/keyring",
    name: "osd.0",
    caps: { mon: "allow profile osd", mgr: "allow profile osd", osd: ALL },
  },
  { keyring: "rgw-a/keyring", name: "client.rgw.a", caps: { mon: "allow rwx", osd: "allow rwx" } },
];

/** Ceph by hand: monitor, manager, one object store in a sparse file, pools, and a user of the S3 gateway. */
export function cephTasks(cloud: Cloud): Task[] {
  const { settings } = cloud;
  const { layout } = settings;
  const data = join(layout.data, "ceph");
  const config = ["--conf", join(layout.conf, "ceph.conf")];
  return [
    onceTask(cloud, { name: "ceph-monitor-files", after: [] }, (run) => makeMonitor(settings, run)),
    onceTask(cloud, { name: "ceph-store-files", after: ["ceph-mon", "ceph-mgr"] }, async (run) => {
      const uuid = storeUuid(join(data, "osd-0.uuid"));
      // With the number given it answers the same when it is asked again.
      await run(["ceph", ...config, "osd", "new", uuid, "0"]);
      if (existsSync(join(data, "osd-0/ready"))) return;
      await run(["ceph-osd", ...config, "--mkfs", "-i", "0", "--osd-uuid", uuid]);
    }),
    onceTask(cloud, { name: "ceph-pools", after: ["ceph-osd"] }, async (run) => {
      for (const pool of POOLS) {
        await run(["ceph", ...config, "osd", "pool", "create", pool, "8", "8"]);
        await run(["ceph", ...config, "osd", "pool", "application", "enable", pool, "rbd"]);
      }
    }),
    onceTask(cloud, { name: "s3-user", after: ["radosgw"] }, async (run) => {
      const { s3AccessKey, s3SecretKey } = settings.secrets;
      const keys = [`--access-key=${s3AccessKey}`, `--secret-key=${s3SecretKey}`];
      await run([
        "radosgw-admin",
        ...config,
        "user",
        "create",
        "--uid=backup",
        "--display-name=backup",
        ...keys,
      ]);
    }),
  ];
}

/** One id for all attempts: the monitor has it from the first. */
function storeUuid(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomUUID());
  return readFileSync(file, "utf8");
}

/** All keys go into the monitor's first keyring, which saves a call of the slow `ceph` for each. */
async function makeMonitor({ layout, cephId }: Settings, run: Run): Promise<void> {
  const data = join(layout.data, "ceph");
  // An attempt that was interrupted may have left half a store, which mkfs refuses.
  await run(["rm", "-rf", data]);
  makeFolders([
    ...["mon-a", "mgr-a", "osd-0", "rgw-a", "crash/posted"].map((name) => join(data, name)),
    join(layout.run, "ceph"),
  ]);
  const monitor = join(data, "mon.keyring");
  const create = async (path: string, name: string, caps: CephUser["caps"]): Promise<void> => {
    const rights = Object.entries(caps).flatMap(([daemon, right]) => ["--cap", daemon, right]);
    await run(["ceph-authtool", "--create-keyring", path, "--gen-key", "-n", name, ...rights]);
  };
  await create(monitor, "mon.", { mon: ALL });
  for (const { keyring, name, caps } of USERS) {
    await create(join(data, keyring), name, caps);
    await run(["ceph-authtool", monitor, "--import-keyring", join(data, keyring)]);
  }
  const address = `[v1:${LOOPBACK}:${PORTS.cephMonitor}]`;
  const map = join(data, "monmap");
  await run(["monmaptool", "--create", "--addv", "a", address, "--fsid", cephId, map]);
  const config = join(layout.conf, "ceph.conf");
  await run(["ceph-mon", "--conf", config, "--mkfs", "-i", "a", "--monmap", map, "--keyring", monitor]);
}
