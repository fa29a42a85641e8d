import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Secret } from "@cairn/kernel";
import { ABSENT, codeOf, openSuite, PREFIX } from "./suite.ts";

const { tenant, admin } = await openSuite();

// Not every cloud has a key manager; of one that has none this is all that there is to say.
if (await hasKeyManager()) {
  void test("a secret is read by whom its list of readers names, and by nobody once deleted", sharing);
} else {
  void test("a cloud without a key manager says so", async () => {
    assert.equal(await codeOf(tenant.barbican.secrets.payload(ABSENT)), "openstack-no-endpoint");
  });
}

async function hasKeyManager(): Promise<boolean> {
  const { catalogue } = await tenant.token();
  return catalogue.some((service) => service.type === "key-manager");
}

async function sharing(): Promise<void> {
  await using made = new AsyncDisposableStack();
  const { secrets } = tenant.barbican;
  const payload = randomBytes(32);
  const id = await secrets.create({ name: `${PREFIX}-secret`, payload: new Secret(payload) });
  made.defer(async () => secrets.delete(id));
  assert.deepEqual((await secrets.payload(id)).reveal(), payload);
  assert.equal((await secrets.find(id))?.status, "ACTIVE");
  const named = await secrets.list({ name: `${PREFIX}-secret` });
  assert.deepEqual(
    named.map((each) => each.id),
    [id],
  );
  assert.deepEqual(await secrets.readers(id), { users: [], projectAccess: true });
  assert.equal(await codeOf(admin.barbican.secrets.payload(id)), "openstack-forbidden");
  await secrets.setReaders(id, { users: [await admin.userId()], projectAccess: true });
  assert.deepEqual((await admin.barbican.secrets.payload(id)).reveal(), payload);
  assert.equal(await codeOf(admin.barbican.secrets.delete(id)), "openstack-forbidden");
  await secrets.delete(id);
  await secrets.delete(id);
  assert.equal(await secrets.find(id), undefined);
  assert.equal(await codeOf(secrets.payload(id)), "openstack-not-found");
  assert.equal(await codeOf(secrets.payload(ABSENT)), "openstack-not-found");
}
