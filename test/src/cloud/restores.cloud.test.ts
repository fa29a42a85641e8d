import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { RestoreDetail, RestoreInstance, SnapshotDetail } from "@cairn/contract";
import { type BootedInstance, loseInstance, networkId } from "@cairn/embedded";
import { asId, newId } from "@cairn/kernel";
import type { Server } from "@cairn/openstack";
import { beginRestore, endOfRestore, makeWorkload, restoreOptions, takeSnapshot } from "../job.ts";
import { inDatabase, onTarget } from "../leftovers.ts";
import { explained, until } from "../tree.ts";
import { storageInventory } from "./host.ts";
import {
  type Contents,
  type MatrixInstance,
  makeMatrix,
  readMatrix,
  spoilMatrix,
  writeMatrix,
} from "./matrix-guests.ts";
import { loseWithPorts, removeNamed } from "./our-things.ts";
import { inventory } from "./short-inventory.ts";
import { type CloudTree, startCloudTree } from "./short-tree.ts";

/*
 * Every kind of disk by every kind of restore, each compared inside the restored guest. The tests follow each
 * other.
 */

const cloudFolder = process.env["CAIRN_TEST_CLOUD"] ?? "";
const prefix = `matrix-${newId<"instance">().slice(-8)}`;
const GONE_MS = 120_000;
const CIDR = "10.91.0.0/24";

let tree: CloudTree;
let nothing: readonly string[];
let hasCeph = false;
let instances: readonly MatrixInstance[];
let booted: readonly BootedInstance[];
let snapshot: SnapshotDetail;
let expected: Contents;

before(async () => {
  tree = await startCloudTree(cloudFolder);
  // Of a run that was killed.
  await removeNamed(tree, "matrix-");
  nothing = await everything();
  const types = await tree.cloud.cinder.volumeTypes.list(tree.signal);
  hasCeph = types.some(({ name }) => name === "ceph");
});

after(async () => {
  try {
    await removeNamed(tree, prefix);
  } finally {
    await tree.close();
  }
});

async function everything(): Promise<readonly string[]> {
  return [...(await inventory(tree)), ...(await storageInventory(cloudFolder))];
}

async function restored(kind: "oneclick" | "selective" | "inplace", choices: readonly RestoreInstance[]) {
  const id = await beginRestore(tree, snapshot.id, restoreOptions(kind, [...choices]));
  const restore = await endOfRestore(tree, id);
  assert.equal(restore.status, "available", `${restore.error_msg ?? ""} ${restore.warning_msg ?? ""}`);
  return restore;
}

/** The instances of the matrix as a restore made them. */
async function asRestored(restore: RestoreDetail, nameOf: (name: string) => string) {
  const found: { readonly instance: MatrixInstance; readonly server: Server }[] = [];
  for (const instance of instances) {
    const made = restore.instances.find(({ name }) => name === nameOf(instance.name));
    assert.ok(made !== undefined, `the restore made no ${nameOf(instance.name)}`);
    const server = await tree.cloud.nova.servers.get(asId<"instance">(made.id), tree.signal);
    assert.equal(server.status, "ACTIVE");
    found.push({ instance: { ...instance, id: server.id }, server });
  }
  return found;
}

async function typesOf(server: Server): Promise<string> {
  const volumes = await Promise.all(
    server.volumes.map(async ({ id }) => tree.cloud.cinder.volumes.get(id, tree.signal)),
  );
  const types = volumes.map(({ volumeType }) => volumeType ?? "none");
  return types.toSorted((one, other) => one.localeCompare(other)).join(" ");
}

test("a qcow2 root, a file volume, an RBD volume and an RBD boot volume are protected", async (t) => {
  await explained(t, tree, async () => {
    ({ instances, booted } = await makeMatrix(tree, prefix, hasCeph));
    await writeMatrix(tree, instances, "before-full");
    const workload = await makeWorkload(
      tree,
      prefix,
      instances.map(({ id }) => id),
    );
    await takeSnapshot(tree, workload, true);
    await writeMatrix(tree, instances, "before-incremental");
    expected = await readMatrix(tree, instances);
    assert.equal(Object.keys(expected).length, hasCeph ? 8 : 6);
    snapshot = await takeSnapshot(tree, workload);
    await writeMatrix(tree, instances, "after");
  });
});

test("selective: copies with other names, on another network, on volumes of another type", async (t) => {
  await explained(t, tree, async () => {
    const { neutron } = tree.cloud;
    const network = await neutron.networks.create({ name: `${prefix}-lan` }, tree.signal);
    const subnet = await neutron.subnets.create(
      { networkId: network.id, name: `${prefix}-lan4`, cidr: CIDR, ipVersion: 4 },
      tree.signal,
    );
    const former = await networkId(tree.cloud, "priv", tree.signal);
    const target = { id: network.id, subnet: { id: subnet.id } };
    const choices = snapshot.instances.map(({ id, name, vdisks }) => ({
      id,
      include: true,
      name: `${name}-copy`,
      nics: [{ id: former, network: target }],
      vdisks: vdisks.flatMap((disk) => {
        if (disk.volume_id === undefined || !hasCeph) return [];
        return [{ id: disk.volume_id, new_volume_type: disk.volume_type === "ceph" ? "nfs" : "ceph" }];
      }),
    }));
    const restore = await restored("selective", choices);
    const copies = await asRestored(restore, (name) => `${name}-copy`);
    for (const { server } of copies)
      assert.ok(server.addresses.every(({ address }) => address.startsWith("10.91.0.")));
    const types = await Promise.all(copies.map(async ({ server }) => typesOf(server)));
    assert.deepEqual(types, hasCeph ? ["ceph nfs", "nfs"] : ["nfs", "nfs"]);
    const contents = await readMatrix(
      tree,
      copies.map(({ instance }) => instance),
    );
    assert.deepEqual(contents, expected);
    for (const { id, name, volumes } of copies.map(({ server }) => server))
      await loseWithPorts(tree, { id, name, volumeIds: volumes.map((each) => each.id) }, tree.signal);
  });
});

test("in place: what was overwritten is back, what came later is gone", async (t) => {
  await explained(t, tree, async () => {
    await spoilMatrix(tree, instances);
    assert.notDeepEqual(await readMatrix(tree, instances), expected);
    const choices = snapshot.instances.map(({ id, vdisks }) => ({
      id,
      include: true,
      restore_boot_disk: true,
      vdisks: vdisks.flatMap(({ volume_id }) =>
        volume_id === undefined ? [] : [{ id: volume_id, restore_cinder_volume: true }],
      ),
    }));
    await restored("inplace", choices);
    assert.deepEqual(await readMatrix(tree, instances), expected);
  });
});

test("one click: lost instances are back with all their disks", async (t) => {
  await explained(t, tree, async () => {
    for (const instance of booted) await loseInstance(tree.cloud, instance, tree.signal);
    const restore = await restored("oneclick", []);
    const back = await asRestored(restore, (name) => name);
    const contents = await readMatrix(
      tree,
      back.map(({ instance }) => instance),
    );
    assert.deepEqual(contents, expected);
    const types = await Promise.all(back.map(async ({ server }) => typesOf(server)));
    assert.deepEqual(types, hasCeph ? ["ceph nfs", "ceph"] : ["nfs", "nfs"]);
  });
});

test("when they are deleted nothing is left in the cloud, in Ceph or on the host", async (t) => {
  await explained(t, tree, async () => {
    assert.deepEqual(await inDatabase(tree), []);
    assert.deepEqual(await onTarget(tree), []);
    await removeNamed(tree, prefix);
    let now: readonly string[] = [];
    await until("the former state", GONE_MS, async () => {
      now = await everything();
      return now.join("\n") === nothing.join("\n") ? true : undefined;
    }).catch(() => {
      assert.deepEqual(now, nothing);
    });
  });
});
