import assert from "node:assert/strict";
import { test } from "node:test";
import { asId, Fault } from "@cairn/kernel";
import type { StepContext } from "./step.ts";
import { removeVolume } from "./volume-making.ts";

const id = asId<"volume">("00000000-0000-4000-8000-000000000001");

/** A volume in this status, whose deletion succeeds or fails; and what Cinder was asked, by whom. */
function cinder(status: string | undefined, isDeletable: boolean) {
  const asked: string[] = [];
  const volumes = (who: string) => ({
    find: async () => Promise.resolve(status === undefined ? undefined : { id, status }),
    delete: async () => {
      asked.push(`${who} deletes`);
      return Promise.resolve();
    },
    forceDelete: async () => {
      asked.push(`${who} deletes by force`);
      return Promise.resolve();
    },
    waitFor: async () => {
      if (!isDeletable) throw new Fault("openstack-broken", "it is error_deleting", "never");
      return Promise.resolve(undefined);
    },
  });
  const cloud = (who: string) => ({ cinder: { volumes: volumes(who) } });
  const context = { cloud: cloud("tenant"), admin: cloud("admin"), signal: AbortSignal.timeout(60_000) };
  return { context: context as unknown as StepContext, asked };
}

for (const [what, status, expected] of [
  ["that is there is deleted by its tenant", "available", ["tenant deletes"]],
  ["that is being deleted is waited for", "deleting", []],
  ["that Cinder failed to delete is deleted by force", "error_deleting", ["admin deletes by force"]],
] as const) {
  void test(`a volume ${what}`, async () => {
    const { context, asked } = cinder(status, true);
    await removeVolume(context, id);
    assert.deepEqual(asked, expected);
  });
}

void test("a deletion at which Cinder fails is tried again later", async () => {
  const { context } = cinder("available", false);
  const isAgain = (cause: Fault): boolean => cause.code === "volume-undeletable" && cause.retry === "later";
  await assert.rejects(removeVolume(context, id), isAgain);
});
