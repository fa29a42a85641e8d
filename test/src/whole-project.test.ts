import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { asId } from "@cairn/kernel";
import { beginRestore, endOfRestore, makeWorkload, restoreOptions, scribble, takeSnapshot } from "./job.ts";
import { leftovers } from "./leftovers.ts";
import { explained, startTree, type Tree } from "./tree.ts";
import { loseWholeProject, makeWholeProject, type WholeProject } from "./whole-project-making.ts";
import { describeProject } from "./whole-project-view.ts";

/*
 * Everything of a project is lost, and comes back by value: on the sandbox, with all programs. The tests
 * follow each other.
 */

let tree: Tree;
let project: WholeProject;
let snapshot: string;
let original: Readonly<Record<string, unknown>>;
let digests: readonly string[];

before(async () => {
  tree = await startTree();
  project = await makeWholeProject(tree);
  for (const id of project.instanceIds) await scribble(tree, id, "vdb");
  digests = await digestsOf(project.instanceIds);
  snapshot = (await takeSnapshot(tree, await makeWorkload(tree, "shop", project.instanceIds))).id;
  original = await describeProject(tree);
  await loseWholeProject(tree, project);
});

after(async () => tree.close());

async function digestsOf(instanceIds: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of instanceIds) {
    for (const device of ["vda", "vdb"]) {
      found.push((await tree.embedded.sandbox.digest(id, device)).digest);
    }
  }
  return found;
}

/** Everything in the cloud that a restore could have made, by kind and id. */
async function inventory(): Promise<string[]> {
  const state = await tree.embedded.sandbox.state();
  return Object.entries(state)
    .filter(([kind]) => !["tokens", "trusts"].includes(kind))
    .flatMap(([kind, rows]) => rows.map((row) => `${kind} ${row.id}`))
    .toSorted();
}

const AROUND = (flag: "restore_topology" | "restore_security_groups") => {
  const options = restoreOptions("selective");
  return { ...options, openstack: { ...options.openstack, [flag]: true } };
};

/** Calls that OpenStack refuses once, in the order in which a restore makes them. */
const REFUSED = [
  { service: "neutron", method: "POST", path: "/subnets$" },
  { service: "neutron", method: "POST", path: "/security-group-rules$" },
  { service: "nova", method: "POST", path: "/os-server-groups$" },
  { service: "neutron", method: "PUT", path: "/add_router_interface$" },
  { service: "neutron", method: "POST", path: "/ports$" },
  { service: "nova", method: "POST", path: "/servers$" },
  { service: "neutron", method: "PUT", path: "/networks/" },
];

for (const call of REFUSED) {
  test(`a whole project's restore that is refused ${call.method} ${call.path} leaves nothing`, async (t) => {
    await explained(t, tree, async () => {
      const found = await inventory();
      await tree.embedded.sandbox.addFault({ ...call, times: 1, effect: { kind: "status", status: 400 } });
      const restore = await endOfRestore(
        tree,
        await beginRestore(tree, snapshot, restoreOptions("oneclick")),
      );
      await tree.embedded.sandbox.clearFaults();
      assert.equal(restore.status, "error", restore.warning_msg ?? "");
      assert.deepEqual(await inventory(), found);
      assert.deepEqual(await leftovers(tree), []);
    });
  });
}

test("quotas of routers, addresses and rules that are too small are told before anything", async () => {
  const projectId = await tree.cloud.projectId();
  const found = await inventory();
  const none = { router: 1, floatingip: 0, security_group_rule: 4, server_groups: 0 };
  await tree.embedded.sandbox.setQuota(projectId, none);
  const restore = await endOfRestore(tree, await beginRestore(tree, snapshot, restoreOptions("oneclick")));
  await tree.embedded.sandbox.setQuota(projectId, {
    router: 10,
    floatingip: 50,
    security_group_rule: 100,
    server_groups: 10,
  });
  assert.equal(restore.status, "error");
  for (const words of ["routers", "floating addresses", "security group rules", "server groups"]) {
    assert.match(restore.error_msg ?? "", new RegExp(`quota of ${words} would be exceeded`));
  }
  const now = (await inventory()).filter((line) => !line.startsWith("quotas"));
  assert.deepEqual(
    now,
    found.filter((line) => !line.startsWith("quotas")),
  );
});

test("topology and security groups come back alone, and what is there is not made twice", async (t) => {
  await explained(t, tree, async () => {
    for (const flag of ["restore_topology", "restore_security_groups"] as const) {
      const restore = await endOfRestore(tree, await beginRestore(tree, snapshot, AROUND(flag)));
      assert.equal(restore.status, "available", restore.error_msg ?? "");
      const again = await endOfRestore(tree, await beginRestore(tree, snapshot, AROUND(flag)));
      assert.match(again.warning_msg ?? "", /Nothing of what was to be restored is missing/);
      const made = flag === "restore_topology" ? restore.networks : restore.security_groups;
      assert.equal(made.length, flag === "restore_topology" ? 1 : 2);
    }
    const now = await describeProject(tree);
    for (const part of ["network", "subnet", "router", "groups"]) {
      assert.deepEqual(now[part], original[part], part);
    }
    assert.deepEqual(await leftovers(tree), []);
  });
});

test("one click brings back the instances into the project that came back before", async (t) => {
  await explained(t, tree, async () => {
    const restore = await endOfRestore(tree, await beginRestore(tree, snapshot, restoreOptions("oneclick")));
    assert.equal(restore.status, "available", restore.error_msg ?? "");
    assert.deepEqual(await describeProject(tree), original);
    assert.deepEqual([restore.networks, restore.security_groups], [[], []]);
    assert.equal(restore.floating_ips.length, 1);
    const made = new Map(restore.instances.map((each) => [each.metadata.instance_id, each.id]));
    const ids = project.instanceIds.map((id) => made.get(id) ?? "");
    assert.equal(new Set(digests).size, 4, "each disk has data of its own");
    assert.deepEqual(await digestsOf(ids), digests);
    const web = await tree.embedded
      .cloud("cairn", "service")
      .nova.servers.get(asId<"instance">(ids[0] ?? ""));
    assert.equal(Buffer.from(web.userData ?? "", "base64").toString(), "#cloud-config\n");
    assert.deepEqual(await leftovers(tree), []);
  });
});
