import assert from "node:assert/strict";
import { test } from "node:test";
import { type QuotaUsage, shownQuota } from "./quotas.ts";

const USAGE: QuotaUsage = {
  quota_type_id: "q",
  quota_type_name: "VMs",
  used: 3,
  allowed_value: 4,
  high_watermark: 2,
  is_above_watermark: true,
  above_since: null,
};

void test("a quota is a share of its limit, with its watermark on the way", () => {
  const shown = shownQuota(USAGE);
  assert.deepEqual(
    [shown.kind, shown.share, shown.watermarkShare, shown.state],
    ["instances", 0.75, 0.5, "high"],
  );
  assert.equal(shownQuota({ ...USAGE, used: 9 }).share, 1);
  assert.equal(shownQuota({ ...USAGE, used: 4 }).state, "full");
});

void test("without a limit there is no share; a limit of nothing is full", () => {
  const free = shownQuota({ ...USAGE, allowed_value: null, is_above_watermark: false });
  assert.deepEqual([free.share, free.watermarkShare, free.state], [undefined, undefined, "free"]);
  const none = shownQuota({ ...USAGE, used: 0, allowed_value: 0, high_watermark: null });
  assert.deepEqual([none.share, none.state], [1, "full"]);
  assert.equal(shownQuota({ ...USAGE, quota_type_name: "Tapes" }).kind, undefined);
});
