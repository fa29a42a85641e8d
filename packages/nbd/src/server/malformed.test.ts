import assert from "node:assert/strict";
import { it } from "node:test";
import { MiB } from "@cairn/kernel";
import * as fc from "fast-check";
import { memoryExport } from "../testing/memory-export.ts";
import { CLIENT_FLAGS, enter, goData, option, rawClient, request, text } from "../testing/raw-client.ts";
import { serveNbd } from "./serve.ts";

const bytes = fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each));

const anyOption = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 12 }), bytes).map(([number, data]) => option(number, data)),
  fc
    .tuple(fc.integer({ min: 0, max: 12 }), bytes, fc.integer({ min: 0, max: 2 ** 32 - 1 }))
    .map(([number, data, length]) => option(number, data, length)),
  fc.constant(option(8)),
  fc.constant(option(6, goData("disk"))),
  fc.constant(option(10, Buffer.concat([text("disk"), Buffer.from([0, 0, 0, 1]), text("base:allocation")]))),
);

const anyRequest = fc
  .record({
    command: fc.integer({ min: 0, max: 9 }),
    flags: fc.integer({ min: 0, max: 31 }),
    offset: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 21n })),
    length: fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 2 ** 21 })),
  })
  .map((fields) => request(fields));

const conversation = fc.oneof(
  fc.array(bytes, { maxLength: 4 }),
  fc.array(anyOption, { maxLength: 8 }).map((options) => [CLIENT_FLAGS, ...options]),
  fc
    .tuple(fc.array(anyOption, { maxLength: 4 }), fc.array(fc.oneof(anyRequest, bytes), { maxLength: 10 }))
    .map(([options, requests]) => [CLIENT_FLAGS, ...options, option(7, goData("disk")), ...requests]),
);

it("whatever a client sends, the server neither crashes nor hangs, and serves the next one", async () => {
  const content = Buffer.alloc(2 * MiB, 5);
  const disk = memoryExport("disk", content);
  await using server = await serveNbd({
    exports: [disk],
    listen: { kind: "tcp", port: 0 },
    patienceMs: 2000,
  });
  await fc.assert(
    fc.asyncProperty(conversation, async (parts) => {
      await using client = rawClient(server);
      client.socket.on("data", () => undefined);
      client.send(...parts);
      client.socket.end();
      // The client has said its last; the server finishes what it can and closes.
      await client.closed;
      await using next = rawClient(server);
      await enter(next, "disk", false);
      next.send(request({ command: 0, offset: 5n, length: 10 }));
      assert.equal((await next.take(16)).readUInt32BE(4), 0);
      assert.deepEqual(await next.take(10), content.subarray(5, 15));
    }),
    { numRuns: 150, seed: 3, endOnFailure: true },
  );
  await server.close();
  assert.equal(disk.lent(), 0);
});
