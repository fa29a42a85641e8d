import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, property, string } from "fast-check";
import type { RestoreNotice, SnapshotNotice } from "./notice.ts";
import { composeMail } from "./notice-mail.ts";

const about = {
  projectId: "p1",
  userId: "u1",
  workload: { id: "w1", name: "web" },
  instances: [{ id: "i1", name: "web-1" }],
  startedAt: "2026-11-23T10:00:00.000Z",
  finishedAt: "2026-11-23T10:03:05.000Z",
  error: undefined,
  warning: undefined,
};

const taken: SnapshotNotice = {
  kind: "snapshot.succeeded",
  ...about,
  snapshot: {
    id: "s1",
    name: "nightly",
    type: "full",
    isScheduled: true,
    sizeBytes: 2 ** 30,
    storedBytes: 2 ** 20,
  },
};

const restored: RestoreNotice = {
  kind: "restore.succeeded",
  ...about,
  restore: { id: "r1", name: "back", type: "inplace", snapshotId: "s1", sizeBytes: 2 ** 30 },
};

test("a snapshot's mail names workload, snapshot, instances, sizes, type and times", () => {
  const { subject, text } = composeMail(taken);
  assert.equal(subject, "Snapshot successful: nightly of workload web");
  assert.equal(
    text,
    [
      "A snapshot was taken and can be restored.",
      "",
      "Workload:  web (w1)",
      "Snapshot:  nightly (s1)",
      "Type:      full, scheduled",
      "Instances: web-1 (i1)",
      "Size:      1.00 GiB",
      "Stored:    1.00 MiB",
      "Started:   2026-11-23 10:00:00 UTC",
      "Ended:     2026-11-23 10:03:05 UTC",
      "Took:      3 min 05 s",
      "",
    ].join("\n"),
  );
});

const SUBJECTS = [
  [{ ...taken, kind: "snapshot.failed" }, "Snapshot failed: nightly of workload web"],
  [restored, "Restore successful: back of workload web"],
  [{ ...restored, kind: "restore.failed" }, "Restore failed: back of workload web"],
  [
    {
      kind: "quota.watermark",
      projectId: "p1",
      userId: "u1",
      quota: { name: "Workloads", used: 8, watermark: 8, allowed: 10 },
    },
    "Quota watermark reached: Workloads",
  ],
  [{ kind: "email.test", projectId: "p1", userId: "u1" }, "Testing email configuration"],
] as const;
for (const [notice, subject] of SUBJECTS) {
  test(`the subject of ${notice.kind} is "${subject}"`, () =>
    assert.equal(composeMail(notice).subject, subject));
}

test("a failure's mail gives the error", () => {
  const { text, html } = composeMail({
    ...taken,
    kind: "snapshot.failed",
    error: "No valid host was found. ",
  });
  assert.match(text, /^Error: +No valid host was found\. $/m);
  assert.match(html, /<th align="left">Error<\/th><td>No valid host was found\. <\/td>/);
});

test("a tenant's names are text in HTML, whatever is in them", () => {
  check(
    property(string({ unit: "binary" }), (name) => {
      const evil = `${name}<script>"x" & 'y'</script>`;
      const { html } = composeMail({ ...taken, workload: { id: "w1", name: evil }, error: evil });
      const tags = [...html.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
      const usual = [...composeMail({ ...taken, error: "x" }).html.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
      assert.deepEqual(tags, usual);
    }),
  );
});

test("a name with line breaks begins no row and no header of its own", () => {
  const { subject, text } = composeMail({
    ...taken,
    workload: { id: "w1", name: "web\r\nBcc: x@y.example\nSize: 0" },
  });
  assert.doesNotMatch(subject, /[\r\n]/);
  assert.doesNotMatch(text, /^(?:Bcc|Size: 0)/m);
});
