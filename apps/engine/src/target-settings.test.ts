import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hasCode, Rejection } from "@cairn/kernel";
import { readTarget } from "./target-settings.ts";

const BUCKET = {
  endpoint: "https://rgw.example.org",
  bucket: "cairn",
  accessKeyId: "A",
  secretAccessKey: "the secret",
};

async function withFile<Result>(
  text: string,
  mode: number,
  use: (file: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-target-"));
  const file = join(folder, "bucket.json");
  try {
    await writeFile(file, text, { mode });
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const read = async (content: unknown) =>
  withFile(JSON.stringify(content), 0o600, async (file) => readTarget({ defaultPath: "", bucketFile: file }));

describe("the default target of an engine's configuration", () => {
  it("is a directory or a bucket, and not both", async () => {
    const directory = await readTarget({ defaultPath: "/srv", bucketFile: "" });
    assert.deepEqual(directory, { target: { kind: "directory", path: "/srv" } });
    await assert.rejects(readTarget({ defaultPath: "", bucketFile: "" }), Rejection);
    await assert.rejects(readTarget({ defaultPath: "/srv", bucketFile: "/etc/bucket.json" }), Rejection);
  });

  it("takes a bucket with a lock and an identity for datamovers from a file", async () => {
    const mover = { accessKeyId: "M", secretAccessKey: "another" };
    const lock = { mode: "governance", windowDays: 14 };
    assert.deepEqual(await read({ ...BUCKET, mover, lock }), {
      target: {
        ...BUCKET,
        kind: "s3",
        region: "us-east-1",
        prefix: "",
        forcePathStyle: true,
        lock: { mode: "governance", windowMs: 14 * 86_400_000 },
      },
      mover,
    });
  });

  it("refuses a file by the field that is wrong, and never shows a secret", async () => {
    const wrong: readonly [field: string, content: unknown][] = [
      ["", []],
      ["bucket", { ...BUCKET, bucket: 5 }],
      ["secretAccessKey", { ...BUCKET, secretAccessKey: undefined }],
      ["secret", { ...BUCKET, secret: "the secret" }],
      ["forcePathStyle", { ...BUCKET, forcePathStyle: "yes" }],
      ["lock.mode", { ...BUCKET, lock: { windowDays: 1 } }],
      ["lock.windowDays", { ...BUCKET, lock: { mode: "compliance", windowDays: 0 } }],
      ["mover", { ...BUCKET, mover: "M" }],
      ["accessKeyId", { ...BUCKET, mover: { secretAccessKey: "x" } }],
    ];
    for (const [field, content] of wrong) {
      await assert.rejects(read(content), (thrown) => {
        assert.ok(thrown instanceof Rejection && thrown.field === field, `${field}: ${String(thrown)}`);
        assert.ok(!thrown.message.includes("the secret"));
        return true;
      });
    }
  });

  it("refuses a file that others can read, and one that is no JSON, without showing it", async () => {
    const settings = (bucketFile: string) => ({ defaultPath: "", bucketFile });
    await withFile(JSON.stringify(BUCKET), 0o644, async (file) => {
      await assert.rejects(readTarget(settings(file)), (thrown) => hasCode(thrown, "key-file"));
    });
    await withFile('{"secretAccessKey": "the secret"', 0o600, async (file) => {
      await assert.rejects(readTarget(settings(file)), (thrown) => {
        assert.ok(hasCode(thrown, "target-file") && !String(thrown).includes("the secret"));
        return true;
      });
    });
  });
});
