import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Fault, MiB } from "@cairn/kernel";
import { putImage } from "./put-image.ts";

const never = new AbortController().signal;

interface FakeGlance extends AsyncDisposable {
  readonly access: { readonly url: string; readonly token: string };
}

async function serve(listener: RequestListener): Promise<FakeGlance> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    access: { url: `http://127.0.0.1:${port}/v2/images/i1/file`, token: "t0ken" },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* parts(count: number, part: Buffer): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index += 1) yield await Promise.resolve(part);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const read: Buffer[] = [];
  for await (const part of request) read.push(part as Buffer);
  return Buffer.concat(read);
}

const hasFault =
  (code: string, retry: string) =>
  (cause: unknown): boolean =>
    cause instanceof Fault && cause.code === code && cause.retry === retry;

void test("an image gets its bytes in one request that says how many there are", async () => {
  const part = randomBytes(MiB);
  const seen: { readonly request: IncomingMessage; readonly bytes: Buffer }[] = [];
  await using glance = await serve((request, response) => {
    void readAll(request).then((bytes) => {
      seen.push({ request, bytes });
      response.writeHead(204).end();
    });
  });
  await putImage({ access: glance.access, imageId: "i1", sizeBytes: 3 * MiB }, parts(3, part), never);
  const [only] = seen;
  assert.ok(only !== undefined && seen.length === 1);
  assert.ok(only.bytes.equals(Buffer.concat([part, part, part])));
  const { method, headers } = only.request;
  assert.deepEqual([method, headers["x-auth-token"]], ["PUT", "t0ken"]);
  assert.equal(headers["content-length"], String(3 * MiB));
  assert.equal(headers["content-type"], "application/octet-stream");
});

const REFUSALS: readonly [number, string, string][] = [
  [401, "image-token-expired", "later"],
  [404, "image-gone", "later"],
  [409, "image-busy", "later"],
  [413, "image-refused", "after-operator"],
  [500, "glance-failed", "later"],
  [503, "glance-failed", "later"],
];

for (const [status, code, retry] of REFUSALS) {
  void test(`Glance's answer ${status} is ${code}, before all was sent and after it`, async () => {
    for (const isEarly of [true, false]) {
      await using glance = await serve((request, response) => {
        const answer = (): void => {
          response.writeHead(status, { "content-type": "text/html" });
          response.end(
            "<html><head><title>x</title></head><body>Storage quota has been exceeded</body></html>",
          );
        };
        if (isEarly) answer();
        else void readAll(request).then(answer);
      });
      const upload = { access: glance.access, imageId: "i1", sizeBytes: 32 * MiB };
      await assert.rejects(putImage(upload, parts(32, Buffer.alloc(MiB)), never), hasFault(code, retry));
    }
  });
}

void test("a Glance that hangs up or is not there is away, and may be there later", async () => {
  const isAway = hasFault("glance-away", "later");
  let access = { url: "", token: "" };
  const send = async (): Promise<void> =>
    putImage({ access, imageId: "i1", sizeBytes: 8 * MiB }, parts(8, Buffer.alloc(MiB)), never);
  {
    await using glance = await serve((request) => {
      request.once("data", () => request.socket.destroy());
    });
    ({ access } = glance);
    await assert.rejects(send(), isAway);
  }
  await assert.rejects(send(), isAway);
});

void test("what cannot be read of the snapshot ends the upload by that fault", async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<boolean>();
  await using glance = await serve((request) => {
    request.once("data", () => begun.resolve());
    // Hung up on while it is read.
    request.on("error", () => undefined);
    request.once("close", () => ended.resolve(request.complete));
  });
  const damaged = new Fault("chunk-damaged", "reading a chunk", "never");
  const bytes = (async function* () {
    yield await Promise.resolve(Buffer.alloc(MiB));
    await begun.promise;
    throw damaged;
  })();
  const upload = { access: glance.access, imageId: "i1", sizeBytes: 8 * MiB };
  await assert.rejects(putImage(upload, bytes, never), hasFault("chunk-damaged", "never"));
  assert.equal(await ended.promise, false, "Glance sees that it has not got all");
});

void test("an upload that is told to stop hangs up at once", async () => {
  const stop = new AbortController();
  const reason = new Fault("order-cancelled", "the order is cancelled", "never");
  await using glance = await serve((request) => {
    request.once("data", () => stop.abort(reason));
  });
  const upload = { access: glance.access, imageId: "i1", sizeBytes: 64 * MiB };
  const sending = putImage(upload, parts(64, Buffer.alloc(MiB)), stop.signal);
  await assert.rejects(sending, (cause) => cause === reason);
});
