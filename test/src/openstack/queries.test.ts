import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceType } from "@cairn/openstack";
import { makeNetwork } from "./making.ts";
import { openSuite } from "./suite.ts";

const { tenant } = await openSuite();

interface Asked {
  readonly status: number;
  readonly text: string;
}

/** A question that no client of ours asks. */
async function ask(service: ServiceType, path: string, version?: string): Promise<Asked> {
  const base = (await tenant.endpoint(service)).replace(/\/v\d[^]*$/, "");
  const token = (await tenant.token()).value.reveal();
  const asked = await fetch(`${base}${path}`, {
    headers: {
      "x-auth-token": token,
      ...(version === undefined ? {} : { "openstack-api-version": version }),
    },
  });
  return { status: asked.status, text: await asked.text() };
}

void test("what no list can be filtered by is refused here and overlooked there", async () => {
  await using made = new AsyncDisposableStack();
  await makeNetwork(tenant, "filter", made);
  const project = await tenant.projectId();
  const volumes = `/v3/${project}/volumes/detail?foo=1`;
  const table: readonly [ServiceType, string, string | undefined, RegExp | undefined][] = [
    ["compute", "/v2.1/limits?reserved=1", "compute 2.79", /'reserved' was unexpected/],
    ["compute", "/v2.1/limits?reserved=1", "compute 2.60", undefined],
    ["compute", "/v2.1/flavors?foo=1", "compute 2.79", /'foo' was unexpected/],
    ["compute", "/v2.1/servers?foo=1", "compute 2.79", /'foo' does not match any of the regexes: '\^_'/],
    ["compute", "/v2.1/servers?foo=1", "compute 2.60", undefined],
    ["volume", volumes, "volume 3.59", /Invalid filters foo are found in query options/],
    ["volume", volumes, "volume 3.27", undefined],
    ["image", "/v2/images?foo=bar", undefined, undefined],
    ["network", "/v2.0/networks?foo=1", undefined, /'foo'\] is invalid attribute for filtering/],
    ["network", "/v2.0/networks?tags=a", undefined, undefined],
  ];
  for (const [service, path, version, because] of table) {
    const { status, text } = await ask(service, path, version);
    const label = `${path} ${version ?? ""}: ${text}`;
    assert.equal(status, because === undefined ? 200 : 400, label);
    if (because !== undefined) assert.match(text, because, label);
  }
});

void test("every service tells its versions to whoever asks at its root", async () => {
  const roots: readonly [ServiceType, readonly number[], RegExp][] = [
    ["compute", [200], /"id": ?"v2\.0".*"id": ?"v2\.1"/],
    ["volume", [300], /"id": ?"v3\.0"/],
    ["image", [300], /"id": ?"v2\.7"/],
    ["network", [200], /"id": ?"v2\.0"/],
  ];
  for (const [service, statuses, said] of roots) {
    const { status, text } = await ask(service, "/");
    assert.ok(statuses.includes(status), `${service}: ${String(status)}`);
    assert.match(text, said);
  }
});
