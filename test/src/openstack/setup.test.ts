import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Secret } from "@cairn/kernel";
import type { CloudAccess } from "@cairn/openstack";
import { connect } from "./peer-cloud.ts";
import { openSuite, PREFIX, withCredentials } from "./suite.ts";

const { admin, peer } = await openSuite();

const MAIN = fileURLToPath(new URL("../../../apps/cli/src/main.ts", import.meta.url));
const TYPE = `${PREFIX}-type`;
const NAMES = [
  "--service-type",
  TYPE,
  "--service-name",
  PREFIX,
  "--user",
  `${PREFIX}-u`,
  "--project",
  `${PREFIX}-p`,
];
const REGION = peer.admin.region ?? "RegionOne";

interface Ended {
  readonly code: number;
  readonly err: string;
  readonly rows: readonly { readonly thing: string; readonly action: string; readonly id: string | null }[];
}

/** `cairn setup keystone` as the cloud's admin. */
async function setup(access: CloudAccess, ...flags: readonly string[]): Promise<Ended> {
  const argv = [MAIN, "setup", "keystone", ...NAMES, "-f", "json", ...flags];
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { env: environmentOf(access), timeout: 240_000 }, (error, out, err) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, err, rows: out === "" ? [] : (JSON.parse(out) as Ended["rows"]) });
    });
  });
}

/** What a person with these credentials would have sourced. */
function environmentOf({ authUrl, credentials }: CloudAccess): Record<string, string> {
  assert.ok(credentials.kind === "password" && "name" in credentials.user);
  const { user, password, scope } = credentials;
  assert.ok(scope.kind === "project" && "name" in scope.project);
  return {
    HOME: tmpdir(),
    PATH: process.env["PATH"] ?? "",
    OS_AUTH_URL: authUrl,
    OS_USERNAME: user.name,
    OS_PASSWORD: password.reveal(),
    OS_PROJECT_NAME: scope.project.name,
    OS_REGION_NAME: REGION,
  };
}

const actions = ({ rows }: Ended): readonly string[] => [...new Set(rows.map((row) => row.action))];
const catalogue = async (): Promise<readonly string[]> => {
  const { catalogue: all, project } = await connect(peer.tenant).token();
  const urls = all
    .filter((each) => each.type === TYPE)
    .flatMap((each) => each.endpoints.map(({ url }) => url));
  return urls.map((url) => url.replace(project?.id ?? "", "PROJECT"));
};

async function clearUp(): Promise<void> {
  await setup(peer.admin, "--remove");
  for (const each of await admin.keystone.services.list({ type: TYPE }))
    await admin.keystone.services.delete(each.id);
}

void test("the service is registered once, found again, moved and taken away without a trace", async () => {
  await using made = new AsyncDisposableStack();
  made.defer(clearUp);
  const url = ["--url", "http://127.0.0.1:1"];
  const shown = await setup(peer.admin, ...url, "--dry-run");
  assert.equal(shown.code, 0, shown.err);
  assert.ok(actions(shown).every((action) => ["would make", "found"].includes(action)));
  assert.deepEqual(await admin.keystone.services.list({ type: TYPE }), []);

  const first = await setup(peer.admin, ...url);
  assert.equal(first.code, 0, first.err);
  assert.deepEqual(
    await catalogue(),
    Array.from({ length: 3 }, () => "http://127.0.0.1:1/v1/PROJECT"),
  );
  const password = first.rows.find((row) => row.thing === `password of user ${PREFIX}-u`)?.id;
  assert.ok(password !== undefined && password !== null);
  const domain = { name: "Default" };
  const own = withCredentials(peer.admin, {
    kind: "password",
    user: { name: `${PREFIX}-u`, domain },
    password: new Secret(password),
    scope: { kind: "project", project: { name: `${PREFIX}-p`, domain } },
  });
  const names = (await own.token()).roles.map((role) => role.name);
  assert.ok(names.includes("admin") && names.includes("service"), names.join());

  assert.deepEqual(actions(await setup(peer.admin, ...url)), ["found"]);
  const moved = await setup(
    peer.admin,
    "--url",
    "http://127.0.0.1:1",
    "--public-url",
    "https://b.example/v1",
  );
  const changed = moved.rows.filter((row) => row.action === "changed").map((row) => row.thing);
  assert.deepEqual(changed, [`public endpoint in ${REGION}`], moved.err);
  assert.ok((await catalogue()).includes("https://b.example/v1/PROJECT"));

  const removed = await setup(peer.admin, "--remove");
  assert.deepEqual(actions(removed), ["removed"], removed.err);
  assert.deepEqual(await catalogue(), []);
  assert.deepEqual(await admin.keystone.users.list({ name: `${PREFIX}-u` }), []);
  assert.deepEqual(await admin.keystone.projects.list({ name: `${PREFIX}-p` }), []);
  assert.deepEqual(await setup(peer.admin, "--remove"), { code: 0, err: "", rows: [] });
});

void test("what was there before stays: a service, and an endpoint of somebody else's", async () => {
  await using made = new AsyncDisposableStack();
  made.defer(clearUp);
  const { services } = admin.keystone;
  const service = await services.create({ type: TYPE, name: PREFIX });
  const creation = { serviceId: service.id, interface: "public", region: REGION } as const;
  const theirs = await services.createEndpoint({ ...creation, url: "http://theirs/v1" });
  const refused = await setup(peer.admin, "--url", "http://127.0.0.1:1");
  assert.equal(refused.code, 5);
  assert.match(refused.err, /another public endpoint in .*: http:\/\/theirs\/v1.*openstack endpoint delete/);
  assert.deepEqual(await admin.keystone.users.list({ name: `${PREFIX}-u` }), []);
  await services.deleteEndpoint(theirs.id);
  assert.equal((await setup(peer.admin, "--url", "http://127.0.0.1:1")).code, 0);
  assert.deepEqual(actions(await setup(peer.admin, "--remove")), ["removed"]);
  assert.deepEqual(
    (await services.list({ type: TYPE })).map((each) => [each.id, each.made]),
    [[service.id, []]],
  );
});

void test("a set-up that cannot work says why before anything is made", async () => {
  const url = ["--url", "http://127.0.0.1:1"];
  const noRegion = await setup(peer.admin, ...url, "--region", "Atlantis");
  assert.deepEqual([noRegion.code, /no region Atlantis/.test(noRegion.err)], [3, true], noRegion.err);
  const noDomain = await setup(peer.admin, ...url, "--domain", "Atlantis");
  assert.deepEqual([noDomain.code, /no domain Atlantis/.test(noDomain.err)], [3, true], noDomain.err);
  assert.equal((await setup(peer.admin)).code, 2);
  assert.equal((await setup(peer.admin, "--url", "backup:8780")).code, 2);
  assert.equal((await setup(peer.tenant, ...url)).code, 4);
  assert.deepEqual(await admin.keystone.services.list({ type: TYPE }), []);
});
