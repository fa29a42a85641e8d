import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, hasCode, systemClock } from "@cairn/kernel";
import { connectNbd, type NbdClient } from "./client.ts";
import { NbdProtocolFault, type NbdRequestFault } from "./faults.ts";
import {
  chunk,
  dataChunk,
  optionReply,
  pack,
  type Script,
  ScriptedServer,
  type SeenRequest,
  simple,
} from "./testing/scripted-server.ts";

interface Pair extends AsyncDisposable {
  readonly client: NbdClient;
}

async function open(
  script: Script,
  options: { requestsMax?: number; silenceMs?: number } = {},
): Promise<Pair> {
  const server = await ScriptedServer.open(script);
  const client = await connectNbd({
    address: server.address,
    exportName: "disk",
    contexts: ["base:allocation"],
    requestsMax: options.requestsMax ?? 8,
    silenceMs: options.silenceMs ?? 5000,
  });
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function refusal(script: Script): Promise<unknown> {
  await using server = await ScriptedServer.open(script);
  try {
    await connectNbd({
      address: server.address,
      exportName: "disk",
      contexts: ["base:allocation"],
      requestsMax: 1,
      silenceMs: 300,
    });
  } catch (cause) {
    return cause;
  }
  return assert.fail("the server was accepted");
}

const handshakes: readonly [string, Script, string][] = [
  ["a peer that is no NBD server", { greeting: Buffer.from("SSH-2.0-OpenSSH_9.2\r\n") }, "nbd-protocol"],
  ["the old handshake", { greeting: pack(Buffer.from("NBDMAGICIHAVEOPT"), [16, 0]) }, "nbd-protocol"],
  [
    "a server without structured replies",
    { option: (option) => (option === 8 ? optionReply(8, 0x80000001) : undefined) },
    "nbd-refused",
  ],
  [
    "an unknown export",
    { option: (option) => (option === 7 ? optionReply(7, 0x80000006) : undefined) },
    "nbd-refused",
  ],
  [
    "a context that is not offered",
    { option: (option) => (option === 10 ? optionReply(10, 1) : undefined) },
    "nbd-context-missing",
  ],
  [
    "an answer to another option",
    { option: (option) => (option === 8 ? optionReply(3, 1) : undefined) },
    "nbd-protocol",
  ],
  [
    "an export without a size",
    { option: (option) => (option === 7 ? optionReply(7, 1) : undefined) },
    "nbd-protocol",
  ],
  ["a server that closes", { option: (_, socket) => (socket.destroy(), Buffer.alloc(0)) }, "nbd-lost"],
  ["a server that says nothing", { greeting: Buffer.alloc(0) }, "nbd-timeout"],
];

for (const [what, script, code] of handshakes) {
  void test(`opening an export fails with ${code}: ${what}`, async () => {
    const cause = await refusal(script);
    assert.ok(hasCode(cause, code), String((cause as Fault).cause ?? cause));
  });
}

const FULL = Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 251));
const slice = ({ offset, length }: SeenRequest): Buffer =>
  FULL.subarray(Number(offset), Number(offset) + length);

void test("answers in any order, in pieces, with holes, become the bytes that were asked for", async () => {
  const held: SeenRequest[] = [];
  await using pair = await open({
    request: (request, socket) => {
      held.push(request);
      if (held.length < 2) return;
      for (const { cookie, offset, length, ...rest } of held.toReversed()) {
        const bytes = slice({ cookie, offset, length, ...rest });
        socket.write(dataChunk(cookie, offset + 10n, bytes.subarray(10, length - 5), false));
        socket.write(chunk(cookie, 2, pack([64, offset + BigInt(length) - 5n], [32, 5]), false));
        socket.write(dataChunk(cookie, offset, bytes.subarray(0, 10), false));
        socket.write(chunk(cookie, 0, Buffer.alloc(0)));
      }
    },
  });
  const [first, second] = await Promise.all([pair.client.read(0, 100), pair.client.read(1000, 3000)]);
  assert.ok(first.equals(Buffer.concat([FULL.subarray(0, 95), Buffer.alloc(5)])));
  assert.ok(second.equals(Buffer.concat([FULL.subarray(1000, 3995), Buffer.alloc(5)])));
});

void test("a stream cut anywhere is put together again", async () => {
  await using pair = await open({
    request: (request, socket) => {
      for (const byte of dataChunk(request.cookie, request.offset, slice(request)))
        socket.write(Buffer.of(byte));
    },
  });
  assert.ok((await pair.client.read(7, 50)).equals(FULL.subarray(7, 57)));
});

void test("an error answer fails its request alone", async () => {
  await using pair = await open({
    request: (request, socket) => {
      const text = Buffer.from("bad sector");
      const isBad = request.offset === 0n;
      if (request.command === 1) socket.write(simple(request.cookie, 28));
      else if (isBad)
        socket.write(chunk(request.cookie, 0x8002, pack([32, 5], [16, text.length], text, [64, 0])));
      else socket.write(dataChunk(request.cookie, request.offset, slice(request)));
    },
  });
  const bad = pair.client.read(0, 512);
  const good = pair.client.read(512, 512);
  await assert.rejects(
    bad,
    (cause: NbdRequestFault) =>
      cause.errno === "EIO" && /reading 512 bytes at 0.*bad sector/.test(cause.message),
  );
  assert.ok((await good).equals(FULL.subarray(512, 1024)));
  await assert.rejects(
    pair.client.write(0, Buffer.alloc(512)),
    (cause: NbdRequestFault) => cause.errno === "ENOSPC",
  );
});

const nonsense: readonly [string, (request: SeenRequest) => Buffer][] = [
  ["a wrong magic", () => Buffer.alloc(20, 1)],
  ["an answer to a request never sent", ({ offset }) => dataChunk(99n, offset, Buffer.alloc(512))],
  [
    "bytes beyond the request",
    ({ cookie, offset, length }) => dataChunk(cookie, offset + 1n, Buffer.alloc(length)),
  ],
  ["a read with a gap", ({ cookie, offset }) => dataChunk(cookie, offset, Buffer.alloc(500))],
  [
    "a read whose pieces overlap",
    ({ cookie, offset }) =>
      Buffer.concat([
        dataChunk(cookie, offset, Buffer.alloc(256), false),
        dataChunk(cookie, offset, Buffer.alloc(256)),
      ]),
  ],
  ["a simple answer to a read", ({ cookie }) => simple(cookie, 0)],
  ["a chunk of unknown type", ({ cookie }) => chunk(cookie, 77, Buffer.alloc(0))],
  ["a block status to a read", ({ cookie }) => chunk(cookie, 5, pack([32, 9], [32, 512], [32, 0]))],
  [
    "a huge chunk that is no data",
    ({ cookie }) => pack([32, 0x668e33ef], [16, 1], [16, 5], [64, cookie], [32, 1 << 30]),
  ],
];

for (const [what, answer] of nonsense) {
  void test(`${what} ends the connection with a protocol fault`, async () => {
    await using pair = await open({
      request: (request, socket) => {
        if (request.offset === 0n) socket.write(answer(request));
      },
    });
    const other = pair.client.read(1024, 512);
    await assert.rejects(pair.client.read(0, 512), NbdProtocolFault);
    await assert.rejects(other, NbdProtocolFault);
    await assert.rejects(pair.client.read(0, 512), (cause: Fault) => cause.code === "nbd-lost");
  });
}

void test("a server that falls silent is given up, one that dies fails every request", async () => {
  await using silent = await open({}, { silenceMs: 100 });
  await assert.rejects(silent.client.read(0, 512), (cause: Fault) => cause.code === "nbd-timeout");
  await using dying = await open({ request: (_, socket) => socket.destroy() });
  await assert.rejects(dying.client.read(0, 512), (cause: Fault) => cause.code === "nbd-lost");
});

void test("silence is a reason to give up only while an answer is due", async () => {
  await using pair = await open(
    {
      request: (request, socket) => {
        if (request.offset === 0n) socket.write(dataChunk(request.cookie, request.offset, slice(request)));
      },
    },
    { silenceMs: 30 },
  );
  for (let count = 0; count < 2; count += 1) {
    // What is tried is that nothing happens for longer than the limit: there is no state to wait for.
    await systemClock.sleep(80);
    assert.ok((await pair.client.read(0, 512)).equals(FULL.subarray(0, 512)));
  }
  await assert.rejects(pair.client.read(512, 512), (cause: Fault) => cause.code === "nbd-timeout");
});

void test("no more than the allowed number of requests are on the wire, and the rest follow", async () => {
  const held: SeenRequest[] = [];
  let mostHeld = 0;
  await using pair = await open(
    {
      request: (request, socket) => {
        held.push(request);
        mostHeld = Math.max(mostHeld, held.length);
        setImmediate(() => {
          for (const each of held.splice(0)) socket.write(dataChunk(each.cookie, each.offset, slice(each)));
        });
      },
    },
    { requestsMax: 3 },
  );
  const reads = Array.from({ length: 40 }, async (_, index) => pair.client.read(index * 100, 100));
  for (const [index, bytes] of (await Promise.all(reads)).entries()) {
    assert.ok(bytes.equals(FULL.subarray(index * 100, index * 100 + 100)));
  }
  assert.ok(mostHeld <= 3);
});

void test("a cancelled read is over at once, sent or waiting, and the connection goes on", async () => {
  const held: (() => void)[] = [];
  await using pair = await open(
    {
      request: (request, socket) => {
        held.push(() => socket.write(dataChunk(request.cookie, request.offset, slice(request))));
        if (request.offset === 2048n) for (const answer of held) answer();
      },
    },
    { requestsMax: 2 },
  );
  const cancel = new AbortController();
  const first = pair.client.read(0, 512, cancel.signal);
  const second = pair.client.read(2048, 512);
  const waiting = pair.client.read(512, 512, cancel.signal);
  cancel.abort(new Error("not needed"));
  await assert.rejects(first, /not needed/);
  await assert.rejects(waiting, /not needed/);
  assert.ok((await second).equals(FULL.subarray(2048, 2560)));
});

void test("zeroing says with its flags what the server may do", async () => {
  const seen: [number, number][] = [];
  await using pair = await open({
    request: (request, socket) => {
      seen.push([request.command, request.flags]);
      socket.write(simple(request.cookie, 0));
    },
  });
  await pair.client.zero(0, 4096, { mayPunchHole: true });
  await pair.client.zero(0, 4096, { mayPunchHole: false });
  await pair.client.zero(0, 4096, { mayPunchHole: true, onlyIfFast: true });
  await pair.client.trim(0, 512);
  await pair.client.flush();
  assert.deepEqual(seen, [
    [6, 0],
    [6, 2],
    [6, 16],
    [4, 0],
    [3, 0],
  ]);
});

void test("status is walked to the end of the disk however little a server tells at once", async () => {
  await using pair = await open({
    sizeBytes: 1000,
    request: ({ cookie, offset }, socket) => {
      const flags = offset < 500n ? 0 : 3;
      socket.write(chunk(cookie, 5, pack([32, 9], [32, 100], [32, flags])));
    },
  });
  const extents = [];
  for await (const extent of pair.client.status()) extents.push(extent);
  assert.equal(extents.length, 10);
  assert.deepEqual(extents.at(-1), { offset: 900, length: 100, flags: [3] });
});
