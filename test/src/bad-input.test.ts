import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type BootedInstance, flavorId, networkId } from "@cairn/embedded";
import { Rejection } from "@cairn/kernel";
import {
  beginRestore,
  beginSnapshot,
  bootFromImage,
  endOfRestore,
  endOfSnapshot,
  makeWorkload,
  restoreOptions,
  takeSnapshot,
} from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { explained, startTree, type Tree } from "./tree.ts";

type Options = Parameters<typeof beginRestore>[2];

let tree: Tree;
let instance: BootedInstance;
let workload: string;
let snapshot: string;

before(async () => {
  tree = await startTree();
  instance = await bootFromImage(tree, "kept", "az1", "m1.small");
  workload = await makeWorkload(tree, "kept", [instance.id]);
  snapshot = (await takeSnapshot(tree, workload)).id;
});

after(async () => tree.close());

/** Names of everything in the cloud that a restore could have made. */
async function inventory(): Promise<string[]> {
  const state = await tree.embedded.sandbox.state();
  const kinds = ["servers", "volumes", "ports", "images", "security_groups", "keypairs", "attachments"];
  return kinds.flatMap((kind) => (state[kind] ?? []).map((row) => `${kind} ${row.id}`)).toSorted();
}

/**
 * The refusal's sentence, whether it comes with the request or as the restore's end. Nothing may be made
 * meanwhile.
 */
async function refusalOf(options: Options): Promise<string> {
  const before = await inventory();
  let sentence: string;
  try {
    const restore = await endOfRestore(tree, await beginRestore(tree, snapshot, options));
    assert.equal(restore.status, "error");
    sentence = restore.error_msg ?? "";
  } catch (cause) {
    if (!(cause instanceof Rejection)) throw cause;
    assert.equal(cause.status, 400);
    sentence = [cause.message, cause.field, cause.remedy].join(" ");
  }
  assert.deepEqual(await inventory(), before);
  assert.deepEqual(await leftovers(tree), []);
  return sentence;
}

async function rejected(work: Promise<unknown>, status: number, sentence: RegExp): Promise<void> {
  await assert.rejects(work, (cause: unknown) => {
    assert.ok(cause instanceof Rejection, String(cause));
    assert.equal(cause.status, status);
    assert.match(cause.message, sentence);
    return true;
  });
}

test("a workload of an unknown instance is refused and names it", async () => {
  const unknown = "11111111-1111-4111-8111-111111111111";
  await rejected(makeWorkload(tree, "w", [unknown]), 400, new RegExp(unknown));
});

test("a workload of another project's instance is refused as if it did not exist", async () => {
  const other = tree.embedded.cloud("other", "other");
  const flavors = await other.nova.flavors.list();
  const id = await other.nova.servers.create({
    name: "theirs",
    flavorId: flavors.find((flavor) => flavor.name === "m1.tiny")?.id ?? "",
    networks: [{ networkId: await networkId(other, "other-net", tree.signal) }],
    blockDevices: [
      { source: "blank", destination: "volume", sizeGiB: 1, bootIndex: 0, deleteOnTermination: true },
    ],
  });
  await other.nova.servers.waitFor(id, "ACTIVE", { withinMs: 60_000 });
  await rejected(makeWorkload(tree, "w", [id]), 400, /Unable to find Virtual Machine/);
});

test("an instance that is in another workload is refused", async () => {
  await rejected(makeWorkload(tree, "second", [instance.id]), 400, /already attached with other workload/);
});

test("a snapshot of a locked workload is refused, and the running one is not disturbed", async (context) => {
  await explained(context, tree, async () => {
    const running = await beginSnapshot(tree, workload);
    await rejected(beginSnapshot(tree, workload), 409, /locked/);
    assert.equal((await endOfSnapshot(tree, running)).status, "available");
  });
});

test("a restore with an unknown network is refused before anything is touched", async (context) => {
  await explained(context, tree, async () => {
    const network = {
      id: "22222222-2222-4222-8222-222222222222",
      subnet: { id: "33333333-3333-4333-8333-333333333333" },
    };
    const nics = [{ mac_address: "", ip_address: "", network }];
    const sentence = await refusalOf(restoreOptions("selective", [{ id: instance.id, include: true, nics }]));
    assert.match(sentence, /22222222-2222-4222-8222-222222222222/);
  });
});

test("a restore with a flavor too small is refused before anything is touched", async (context) => {
  await explained(context, tree, async () => {
    const id = await flavorId(tree.cloud, "m1.tiny", tree.signal);
    const wanted = [{ id: instance.id, include: true, flavor: { id } }];
    assert.match(await refusalOf(restoreOptions("selective", wanted)), /m1\.tiny|flavor/);
  });
});

test("a restore beyond the quota is refused and names what is short", async (context) => {
  await explained(context, tree, async () => {
    await tree.embedded.sandbox.setQuota(await tree.cloud.projectId(), { instances: 1 });
    const sentence = await refusalOf(restoreOptions("selective", [{ id: instance.id, include: true }]));
    assert.match(sentence, /quota/i);
    assert.match(sentence, /instances/i);
    await tree.embedded.sandbox.setQuota(await tree.cloud.projectId(), { instances: 10 });
  });
});

test("a one-click restore is refused while an original exists", async (context) => {
  await explained(context, tree, async () => {
    assert.match(await refusalOf(restoreOptions("oneclick")), /exist/);
  });
});

const FAILURES = [
  { name: "Nova refuses the server", path: "/servers$", method: "POST", status: 403 },
  { name: "Neutron refuses the port", path: "/ports", method: "POST", status: 400 },
  { name: "Glance refuses the image's bytes", path: "/file$", method: "PUT", status: 413 },
  { name: "the server does not stop", path: "/action$", method: "POST", status: 403 },
] as const;

for (const { name, path, method, status } of FAILURES) {
  test(`a restore that fails because ${name} leaves nothing that it made`, async (context) => {
    await explained(context, tree, async () => {
      const before = await inventory();
      await tree.embedded.sandbox.addFault({ path, method, times: 50, effect: { kind: "status", status } });
      const wanted = restoreOptions("selective", [{ id: instance.id, include: true, name: "doomed" }]);
      const restore = await endOfRestore(tree, await beginRestore(tree, snapshot, wanted));
      await tree.embedded.sandbox.clearFaults();
      assert.equal(restore.status, "error");
      assert.notEqual(restore.error_msg ?? "", "");
      assert.deepEqual(await inventory(), before);
      assert.deepEqual(await leftovers(tree), []);
    });
  });
}
