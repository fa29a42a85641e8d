import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { sshGreeting } from "./ssh-greeting.ts";

/** Listens on a port of its own, and says this to whoever connects, from the second time on. */
async function server(says: string) {
  let calls = 0;
  const listening = createServer((socket) => {
    calls += 1;
    socket.end(calls > 1 ? says : "");
  }).listen(0, "127.0.0.1");
  await once(listening, "listening");
  return { port: (listening.address() as AddressInfo).port, close: () => listening.close() };
}
const signal = AbortSignal.timeout(30_000);

void test("a server that does not answer at first is asked again", async () => {
  const { port, close } = await server("SSH-2.0-some\r\nmore");
  assert.equal(await sshGreeting("127.0.0.1", { withinMs: 10_000, signal, port }), "SSH-2.0-some");
  close();
});

void test("what speaks something else, or is not there, is reported with what it says", async () => {
  const { port, close } = await server("HTTP/1.1 400 Bad Request\r\n");
  await assert.rejects(sshGreeting("127.0.0.1", { withinMs: 600, signal, port }), /it says "HTTP\/1.1 400/);
  close();
  await assert.rejects(sshGreeting("127.0.0.1", { withinMs: 0, signal, port }), /it says .*REFUSED/);
});
