import assert from "node:assert/strict";
import { test } from "node:test";
import { sshGreeting } from "./ssh-greeting.ts";

void test("an address where nothing listens is reported with what it says instead", async () => {
  // 127.255.255.254 is a loopback address that nothing is bound to; an ssh server on all addresses would
  // answer.
  const asked = sshGreeting("127.255.255.254", { withinMs: 0, signal: AbortSignal.timeout(10_000) });
  await asked.then(
    (greeting) => assert.match(greeting, /^SSH-2/),
    (cause: unknown) =>
      assert.match(String(cause), /waiting for ssh at 127\.255\.255\.254; it says .*REFUSED/),
  );
});
