import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { inspect } from "node:util";
import { describeFault, type Fault, Rejection } from "@cairn/kernel";
import { type Ceph, startCeph } from "./ceph.ts";
import { names, storeContract, withCode } from "./contract.ts";
import {
  openStore,
  probeTarget,
  requestCounter,
  type S3Address,
  type S3Options,
  type Store,
} from "./index.ts";
import { type Mishap, startUnrulyProxy, type UnrulyProxy } from "./testing/unruly-proxy.ts";

const HOUR_MS = 3_600_000;
const LOCK = { mode: "governance", windowMs: HOUR_MS } as const;

describe("Ceph's S3 gateway", { timeout: 60_000 }, () => {
  let ceph: Ceph;
  before(async () => {
    ceph = await startCeph();
  });
  after(async () => ceph.stop());

  storeContract("a bucket", async () => openStore((await ceph.makeBucket()).maintainer));
  storeContract("a bucket with versions, below a prefix", {
    make: async () => {
      const { maintainer } = await ceph.makeBucket({ versions: true, prefix: "cairn/one/" });
      return openStore({ ...maintainer, conditional: false });
    },
    lastWriterWins: true,
  });
  storeContract("a bucket that locks", {
    make: async () =>
      openStore({ ...(await ceph.makeBucket({ lock: LOCK })).maintainer, conditional: false }),
    locks: true,
    lastWriterWins: true,
  });
  rights(async (options) => ceph.makeBucket(options));
  versions(async (options) => ceph.makeBucket(options));
  mishaps(() => ceph);
  probes(async (options) => ceph.makeBucket(options));
  limits(() => ceph);
});

type MakeBucket = Ceph["makeBucket"];

function rights(makeBucket: MakeBucket): void {
  it("lets a datamover add and read, and not remove", async () => {
    const { writer, maintainer } = await makeBucket();
    const store = openStore(writer);
    await store.put("p/1", [Buffer.from("x")]);
    assert.equal((await store.get("p/1")).toString(), "x");
    await assert.rejects(store.get("p/2"), withCode("object-missing"));
    await assert.rejects(store.remove("p/1"), withCode("store-denied"));
    await openStore(maintainer).remove("p/1");
    assert.equal(await store.size("p/1"), undefined);
  });

  it("tells a locked object from a missing right", async () => {
    const { writer, maintainer } = await makeBucket({ lock: LOCK });
    await openStore(writer).put("p/1", [Buffer.from("x")]);
    await assert.rejects(openStore(maintainer).remove("p/1"), withCode("object-locked"));
    assert.equal((await openStore(writer).get("p/1")).toString(), "x");
  });

  it("says which bucket is not there, and whose key is not known, without showing the secret", async () => {
    const { maintainer } = await makeBucket();
    const absent = openStore({ ...maintainer, bucket: "cairn-is-not-there" });
    await assert.rejects(names(absent, ""), withCode("store-away"));
    await assert.rejects(absent.size("a"), withCode("store-away"));
    await assert.rejects(absent.put("a", []), withCode("store-away"));
    const stranger = openStore({ ...maintainer, secretAccessKey: "not-the-secret" });
    const fault = await stranger.get("a").catch((thrown: unknown) => thrown);
    assert.ok(withCode("store-denied")(fault));
    assert.ok(!inspect(fault, { depth: 9, showHidden: true }).includes("not-the-secret"));
    const away = openStore({ ...maintainer, endpoint: "http://127.0.0.1:9" }, { attempts: 2, pauseMs: 1 });
    await assert.rejects(away.get("a"), withCode("store-away"));
  });
}

function versions(makeBucket: MakeBucket): void {
  it("removes all versions, and a hidden object's too", async () => {
    const { maintainer } = await makeBucket({ versions: true });
    const store = openStore(maintainer);
    await store.put("a", [Buffer.from("1")]);
    await store.put("a", [Buffer.from("22")]);
    await hide(maintainer, "a");
    await assert.rejects(store.get("a"), withCode("object-hidden"));
    await assert.rejects(store.size("a"), withCode("object-hidden"));
    assert.equal(await countVersions(maintainer), 3);
    await store.remove("a");
    assert.equal(await countVersions(maintainer), 0);
    assert.equal(await store.size("a"), undefined);
  });

  it("asks for listings page by page, and never takes a page for the end", async () => {
    const { maintainer } = await makeBucket();
    const counter = requestCounter();
    const store = openStore(maintainer, { pageKeys: 3, counter });
    const all = Array.from({ length: 10 }, (_, index) => `p/${index}`);
    for (const name of all) await store.put(name, [Buffer.from(name)]);
    assert.deepEqual(await names(store, "p/"), all);
    assert.equal(counter.counts.list, 4);
  });
}

function mishaps(ceph: () => Ceph): void {
  const through = async (
    use: (place: { proxy: UnrulyProxy; store: Store; direct: Store }) => Promise<void>,
    options: S3Options = {},
  ): Promise<void> => {
    const { writer } = await ceph().makeBucket();
    await using proxy = await startUnrulyProxy(ceph().endpoint);
    const store = openStore({ ...writer, endpoint: proxy.endpoint }, { pauseMs: 1, ...options });
    await use({ proxy, store, direct: openStore(writer) });
  };
  const busy: Mishap = { kind: "refused", status: 503, code: "SlowDown" };
  const bytes = randomBytes(300_000);

  const OVERCOME: readonly [what: string, mishap: Mishap][] = [
    ["it is told to slow down", busy],
    ["the service has an internal error", { kind: "refused", status: 500, code: "InternalError" }],
    ["the answer is lost", { kind: "answer-lost" }],
    ["the connection breaks in mid-body", { kind: "cut-off" }],
    ["a bit flips on the way", { kind: "flipped" }],
  ];
  for (const [what, mishap] of OVERCOME) {
    it(`stores the right bytes when ${what}`, async () => {
      await through(async ({ proxy, store, direct }) => {
        proxy.plan([mishap]);
        await store.put("p/1", [bytes]);
        assert.ok((await direct.get("p/1")).equals(bytes));
      });
    });
  }

  it("looks before it writes again when it got no answer in time", async () => {
    await through(
      async ({ proxy, store, direct }) => {
        proxy.plan([{ kind: "silence" }]);
        await store.put("p/1", [bytes]);
        assert.ok((await direct.get("p/1")).equals(bytes));
        assert.deepEqual(
          proxy.seen.map((line) => line.slice(0, 4)),
          ["PUT ", "HEAD", "HEAD", "PUT "],
        );
      },
      { deadlineMs: 300 },
    );
  });

  it("does not send an object again whose answer was lost", async () => {
    await through(async ({ proxy, store }) => {
      proxy.plan([{ kind: "answer-lost" }]);
      await store.put("p/1", [bytes]);
      assert.equal(proxy.seen.filter((line) => line.startsWith("PUT")).length, 1);
    });
  });

  it("never gives back a part of what was asked for", async () => {
    await through(async ({ proxy, store }) => {
      await store.put("p/1", [bytes]);
      proxy.plan([{ kind: "short-answer" }]);
      assert.ok((await store.get("p/1")).equals(bytes));
      proxy.plan([{ kind: "short-answer" }]);
      assert.ok((await store.getRange("p/1", 5, 200_000)).equals(bytes.subarray(5, 200_005)));
      proxy.plan(Array.from({ length: 9 }, () => ({ kind: "short-answer" }) as const));
      await assert.rejects(store.get("p/1"), withCode("store-io"));
    });
  });

  it("throws when a page of a listing cannot be had, though others were given", async () => {
    await through(
      async ({ proxy, store }) => {
        for (const name of ["1", "2", "3"]) await store.put(name, []);
        proxy.plan([undefined, busy, busy, busy]);
        await assert.rejects(names(store, ""), withCode("store-busy"));
        proxy.plan([undefined, { kind: "short-answer" }]);
        assert.deepEqual(await names(store, ""), ["1", "2", "3"]);
      },
      { attempts: 3, pageKeys: 1 },
    );
  });

  it("gives up after a few attempts, and says whether the outcome is unknown", async () => {
    await through(
      async ({ proxy, store }) => {
        proxy.plan([busy, busy]);
        await assert.rejects(store.put("p/1", [bytes]), isLater("store-busy"));
        proxy.plan([{ kind: "silence" }, { kind: "silence" }]);
        await assert.rejects(store.get("p/1"), isLater("store-timeout"));
      },
      { attempts: 2, deadlineMs: 200 },
    );
  });

  it("ends with the caller's reason, in the middle of a request too", async () => {
    await through(async ({ proxy, store }) => {
      proxy.plan([{ kind: "silence" }]);
      const stop = new AbortController();
      const putting = store.put("p/1", [bytes], stop.signal);
      setImmediate(() => stop.abort(new Error("enough")));
      await assert.rejects(putting, /enough/);
    });
  });
}

function probes(makeBucket: MakeBucket): void {
  it("is found to keep names, and to let its owner remove", async () => {
    const { maintainer } = await makeBucket({ prefix: "backups/" });
    const { target, report } = await probeTarget(maintainer);
    assert.deepEqual(
      [report.conditionalPuts, report.list, report.mayRemove, report.lock, report.leftovers, report.warnings],
      ["enforced", "at-once", "yes", "none", [], []],
    );
    assert.ok(Math.abs(report.clockAheadMs) < 5000);
    assert.deepEqual(target, { ...maintainer, conditional: true });
    assert.deepEqual(await names(openStore(maintainer), ""), []);
  });

  it("is found to refuse a datamover's removals, and says what is left of the probe", async () => {
    const { writer } = await makeBucket();
    const { report } = await probeTarget(writer);
    assert.deepEqual([report.mayRemove, report.leftovers.length], ["no", 2]);
  });

  it("is found to ignore conditional writes where it keeps versions, and to enforce its locks", async () => {
    const { maintainer } = await makeBucket({ lock: LOCK });
    const { target, report } = await probeTarget(maintainer);
    assert.deepEqual(
      [report.conditionalPuts, report.mayRemove, report.lock, report.warnings.length],
      ["ignored", "unknown", "enforced", 1],
    );
    assert.deepEqual(target, { ...maintainer, conditional: false });
  });

  it("is refused with field, value and remedy when it cannot be a target", async () => {
    const { maintainer } = await makeBucket();
    const wrong: readonly [field: string, target: S3Address][] = [
      ["lock", { ...maintainer, lock: LOCK }],
      ["bucket", { ...maintainer, bucket: "cairn-is-not-there" }],
      ["accessKeyId", { ...maintainer, accessKeyId: "NOBODY" }],
      ["accessKeyId", { ...maintainer, secretAccessKey: "not-the-secret" }],
    ];
    for (const [field, target] of wrong) {
      await assert.rejects(probeTarget(target), (thrown) => {
        assert.ok(thrown instanceof Rejection, describeFault(thrown));
        assert.equal(thrown.field, field);
        assert.ok(thrown.remedy !== "");
        assert.ok(!inspect(thrown, { depth: 9, showHidden: true }).includes("not-the-secret"));
        return true;
      });
    }
  });
}

function limits(ceph: () => Ceph): void {
  it("goes on when the gateway died in the middle of a put and came back", async () => {
    const { writer } = await ceph().makeBucket();
    const store = openStore(writer, { pauseMs: 200 });
    const body = randomBytes(32 << 20);
    const putting = store.put("p/1", [body]);
    await ceph().killGateway();
    await ceph().startGateway();
    await putting;
    assert.ok((await store.get("p/1")).equals(body));
  });

  it("stores an object with one request, and reads a range with one", async () => {
    const counter = requestCounter();
    const store = openStore((await ceph().makeBucket()).writer, { counter });
    await store.put("a", [Buffer.alloc(1 << 20, 1)]);
    await store.getRange("a", 1000, 5000);
    assert.deepEqual([counter.counts.put, counter.counts.get, counter.total()], [1, 1, 2]);
  });

  it("says that a bucket is full", async () => {
    const { maintainer } = await ceph().makeBucket();
    await ceph().limitBuckets(1 << 20);
    const store = openStore(maintainer);
    const fill = async (): Promise<void> => {
      for (let index = 0; index < 8; index += 1) {
        await store.put(`p/${index}`, [randomBytes(1 << 19)]);
      }
    };
    await assert.rejects(fill(), withCode("store-full"));
    assert.equal(await store.size("p/7"), undefined);
  });
}

async function hide(address: S3Address, name: string): Promise<void> {
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({ ...address, credentials: address });
  await client.send(new sdk.DeleteObjectCommand({ Bucket: address.bucket, Key: name }));
  client.destroy();
}

async function countVersions(address: S3Address): Promise<number> {
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({ ...address, credentials: address });
  const answer = await client.send(new sdk.ListObjectVersionsCommand({ Bucket: address.bucket }));
  client.destroy();
  return (answer.Versions?.length ?? 0) + (answer.DeleteMarkers?.length ?? 0);
}

function isLater(code: string): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.equal((thrown as Fault).retry, "later", describeFault(thrown));
    return withCode(code)(thrown);
  };
}
