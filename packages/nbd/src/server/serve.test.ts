import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { MiB, systemClock } from "@cairn/kernel";
import { connectNbd, type NbdClient } from "../client.ts";
import type { NbdExport, NbdServer, NbdServerEvent } from "../export.ts";
import { NbdRequestFault } from "../faults.ts";
import { ALLOCATION_ZERO } from "../status.ts";
import { memoryExport } from "../testing/memory-export.ts";
import {
  CLIENT_FLAGS,
  enter,
  goData,
  option,
  optionReply,
  rawClient,
  request,
  takeChunk,
  text,
} from "../testing/raw-client.ts";
import { serveNbd } from "./serve.ts";

const DISK_BYTES = 5 * MiB + 70_000;

/** Data, a hole from 1 MiB to 3 MiB, data. */
function content(): Buffer {
  const bytes = randomBytes(DISK_BYTES);
  bytes.fill(0, MiB, 3 * MiB);
  return bytes;
}

interface Bench extends AsyncDisposable {
  readonly server: NbdServer;
  readonly events: NbdServerEvent[];
  connect(exportName?: string, contexts?: readonly string[]): Promise<NbdClient>;
  /** Waits until an event has come that fits. */
  event(fits: (event: NbdServerEvent) => boolean): Promise<NbdServerEvent>;
}

async function bench(
  exports: readonly NbdExport[],
  options: { patienceMs?: number; connectionsMax?: number } = {},
) {
  const events: NbdServerEvent[] = [];
  const server = await serveNbd({
    exports,
    listen: { kind: "tcp", port: 0 },
    onEvent: (event) => events.push(event),
    ...options,
  });
  assert.ok(server.address.kind === "tcp");
  const { port } = server.address;
  return {
    server,
    events,
    connect: async (exportName = "disk", contexts = ["base:allocation"]) =>
      connectNbd({
        address: { kind: "loopback", port },
        exportName,
        contexts,
        requestsMax: 16,
        silenceMs: 10_000,
      }),
    event: async (fits) => {
      for (;;) {
        const found = events.find(fits);
        if (found !== undefined) return found;
        await systemClock.sleep(2);
      }
    },
    [Symbol.asyncDispose]: async () => server.close(),
  } satisfies Bench;
}

describe("an NBD server", () => {
  it("gives every byte of a disk, in requests of any size and place", async () => {
    const bytes = content();
    const disk = memoryExport("disk", bytes);
    {
      await using at = await bench([disk]);
      await using client = await at.connect();
      assert.equal(client.sizeBytes, DISK_BYTES);
      assert.ok(client.isReadOnly && client.canMultiConnect);
      assert.ok((await client.read(0, DISK_BYTES)).equals(bytes));
      const places = Array.from({ length: 60 }, (_, index) => {
        const offset = (index * 7_654_321) % DISK_BYTES;
        const length = index % 3 === 0 ? 1 + index * 300 : 1 + ((index * 99_991) % (2 * MiB));
        return { offset, length: Math.min(length, DISK_BYTES - offset) };
      });
      await Promise.all(
        places.map(async ({ offset, length }) => {
          const found = await client.read(offset, length);
          assert.ok(found.equals(bytes.subarray(offset, offset + length)), `${offset}+${length}`);
        }),
      );
      await client.flush();
    }
    assert.equal(disk.lent(), 0);
  });

  it("says where a disk is a hole", async () => {
    const bytes = content();
    await using at = await bench([memoryExport("disk", bytes)]);
    await using client = await at.connect();
    const zero: [number, number][] = [];
    for await (const { offset, length, flags } of client.status()) {
      if (((flags[0] ?? 0) & ALLOCATION_ZERO) !== 0) zero.push([offset, length]);
    }
    assert.deepEqual(zero, [[MiB, 2 * MiB]]);
  });

  it("lists its exports and refuses a name that it does not have", async () => {
    await using at = await bench([memoryExport("one", content()), memoryExport("two", content())]);
    await using client = rawClient(at.server);
    await client.take(18);
    client.send(CLIENT_FLAGS, option(3));
    const names = [await optionReply(client), await optionReply(client)].map(({ data }) =>
      data.subarray(4).toString(),
    );
    assert.deepEqual(names, ["one", "two"]);
    assert.equal((await optionReply(client)).type, 1);
    client.send(option(7, goData("three")));
    assert.equal((await optionReply(client)).type, 0x80000006);
    client.send(option(6, goData("two")), option(2));
    assert.equal((await optionReply(client)).type, 3);
    await client.closed;
  });

  it("answers an option that it does not know or that is malformed, and goes on", async () => {
    await using at = await bench([memoryExport("disk", content())]);
    await using client = rawClient(at.server);
    await client.take(18);
    client.send(CLIENT_FLAGS);
    const cases: [Buffer, number][] = [
      [option(99), 0x80000001],
      [option(5), 0x80000001],
      [option(7, Buffer.from([1])), 0x80000003],
      [option(7, Buffer.concat([goData("disk"), Buffer.from([1])])), 0x80000003],
      [option(8, Buffer.from([1])), 0x80000003],
      [option(10, Buffer.concat([text("disk"), Buffer.from([255, 255, 255, 255])])), 0x80000003],
      // Contexts come after structured replies.
      [option(10, Buffer.concat([text("disk"), Buffer.from([0, 0, 0, 0])])), 0x80000003],
      [option(8), 1],
    ];
    for (const [sent, expected] of cases) {
      client.send(sent);
      assert.equal((await optionReply(client)).type, expected);
    }
    client.send(
      option(10, Buffer.concat([text("disk"), Buffer.from([0, 0, 0, 1]), text("base:allocation")])),
    );
    assert.equal((await optionReply(client)).type, 4);
  });

  it("refuses to write with EPERM, and the connection goes on", async () => {
    const bytes = content();
    await using at = await bench([memoryExport("disk", bytes)]);
    await using client = await at.connect();
    const withErrno = (errno: string) => (cause: unknown) =>
      cause instanceof NbdRequestFault && cause.errno === errno;
    await assert.rejects(client.write(0, Buffer.alloc(3 * MiB)), withErrno("EPERM"));
    await using raw = rawClient(at.server);
    await enter(raw, "disk", false);
    for (const [command, errno] of [
      [4, 1],
      [6, 1],
      [7, 22],
      [42, 22],
    ] as const) {
      raw.send(request({ command, length: 4096 }));
      assert.equal((await raw.take(16)).readUInt32BE(4), errno, `command ${command}`);
    }
    assert.ok((await client.read(0, 4096)).equals(bytes.subarray(0, 4096)));
  });

  it("answers EIO for what cannot be read, tells where, and goes on", async () => {
    const bytes = content();
    await using at = await bench([memoryExport("disk", bytes, 4 * MiB + 5)]);
    await using client = await at.connect();
    await assert.rejects(
      client.read(3 * MiB + 1, 2 * MiB),
      (cause) => cause instanceof NbdRequestFault && cause.errno === "EIO",
    );
    const told = await at.event(({ kind }) => kind === "request-failed");
    assert.ok(told.kind === "request-failed" && told.offset <= 4 * MiB + 5 && told.exportName === "disk");
    assert.ok((await client.read(0, MiB)).equals(bytes.subarray(0, MiB)));
  });

  it("refuses stretches beyond the disk, empty ones, and those above 32 MiB", async () => {
    await using at = await bench([memoryExport("disk", content())]);
    await using client = rawClient(at.server);
    await enter(client, "disk", true);
    const cases = [
      { command: 0, offset: BigInt(DISK_BYTES), length: 1 },
      { command: 0, offset: 2n ** 64n - 1n, length: 4096 },
      { command: 0, offset: 0n, length: 0 },
      { command: 0, offset: 0n, length: 33 * MiB },
      { command: 0, offset: 0n, length: 4096, flags: 1 << 9 },
    ];
    for (const each of cases) {
      client.send(request(each));
      const chunk = await takeChunk(client);
      assert.equal(chunk.type, 0x8001);
      assert.equal(chunk.payload.readUInt32BE(0), 22);
    }
  });

  it("does not fragment a reply when told so, or says that it would have to", async () => {
    const bytes = content();
    await using at = await bench([memoryExport("disk", bytes)]);
    await using client = rawClient(at.server);
    await enter(client, "disk", true);
    const df = 1 << 2;
    client.send(request({ command: 0, offset: BigInt(MiB - 4096), length: 8192, flags: df }));
    const chunk = await takeChunk(client);
    assert.deepEqual([chunk.type, chunk.flags], [1, 1]);
    assert.ok(chunk.payload.subarray(8).equals(bytes.subarray(MiB - 4096, MiB + 4096)));
    client.send(request({ command: 0, length: 2 * MiB, flags: df }));
    assert.equal((await takeChunk(client)).payload.readUInt32BE(0), 75);
  });

  it("serves old clients: an export by its name, replies without structure", async () => {
    const bytes = content();
    await using at = await bench([memoryExport("disk", bytes)]);
    await using client = rawClient(at.server);
    await client.take(18);
    client.send(Buffer.from([0, 0, 0, 1]), option(1, Buffer.from("disk")));
    assert.equal((await client.take(134)).readBigUInt64BE(0), BigInt(DISK_BYTES));
    client.send(request({ command: 0, length: 3 * MiB, cookie: 1n }), request({ command: 0, length: 16 }));
    assert.equal((await client.take(16)).readUInt32BE(4), 0);
    assert.ok((await client.take(3 * MiB)).equals(bytes.subarray(0, 3 * MiB)));
    await client.take(16);
    assert.ok((await client.take(16)).equals(bytes.subarray(0, 16)));
  });

  it("drops a client whose bytes make no sense", async () => {
    await using at = await bench([memoryExport("disk", content())]);
    const nonsense = [Buffer.alloc(28, 1), option(7, Buffer.alloc(0), 2 ** 31), Buffer.from([0, 0, 0, 255])];
    for (const bytes of nonsense) {
      await using client = rawClient(at.server);
      await client.take(18);
      client.send(bytes.length === 4 ? bytes : Buffer.concat([CLIENT_FLAGS, bytes]));
      await client.closed;
    }
    await using inside = rawClient(at.server);
    await enter(inside, "disk", true);
    inside.send(Buffer.alloc(28, 3));
    await inside.closed;
    assert.equal(at.events.filter(({ kind }) => kind === "dropped").length, 4);
  });

  it("drops clients that stop in the middle or do not read, and keeps those that are only idle", async () => {
    await using at = await bench([memoryExport("disk", content())], { patienceMs: 150 });
    await using idle = await at.connect();
    await using silent = rawClient(at.server);
    await using halfway = rawClient(at.server);
    await enter(halfway, "disk", true);
    halfway.send(request({ command: 0, length: 4096 }).subarray(0, 20));
    await using greedy = rawClient(at.server);
    await enter(greedy, "disk", true);
    greedy.socket.pause();
    for (let index = 0; index < 30; index += 1) greedy.send(request({ command: 0, length: 5 * MiB }));
    await Promise.all([silent.closed, halfway.closed]);
    await at.event(() => at.events.filter(({ kind }) => kind === "dropped").length === 3);
    assert.equal((await idle.read(0, 10)).length, 10);
  });

  it("takes no more clients than it is told", async () => {
    await using at = await bench([memoryExport("disk", content())], { connectionsMax: 1 });
    await using first = await at.connect();
    await using second = rawClient(at.server);
    await second.closed;
    assert.equal((await first.read(0, 10)).length, 10);
  });

  it("on a unix socket is for its owner alone, and removes the socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cairn-nbd-"));
    try {
      const path = join(folder, "nbd.sock");
      const exports = [memoryExport("disk", content())];
      const server = await serveNbd({ exports, listen: { kind: "unix", path } });
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      await using client = rawClient(server);
      await enter(client, "disk", true);
      await server.close();
      await server.close();
      await client.closed;
      await assert.rejects(stat(path), { code: "ENOENT" });
      await assert.rejects(serveNbd({ exports, listen: { kind: "unix", path: join(folder, "no", "s") } }), {
        code: "nbd-listen-failed",
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
