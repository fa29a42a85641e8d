import assert from "node:assert/strict";
import { test } from "node:test";
import { isMountMoving } from "./mounts.ts";

const MOUNT = {
  instance_id: "i",
  instance_name: "recovery",
  mounturl: "",
  mounted_at: null,
  dismounting: false,
  file_systems: [],
};

void test("a mount moves while it comes and while it goes", () => {
  assert.equal(isMountMoving({ status: "available", mount: null }), false);
  assert.equal(isMountMoving({ status: "mounting", mount: MOUNT }), true);
  assert.equal(isMountMoving({ status: "mounted", mount: MOUNT }), false);
  assert.equal(isMountMoving({ status: "mounted", mount: { ...MOUNT, dismounting: true } }), true);
});
