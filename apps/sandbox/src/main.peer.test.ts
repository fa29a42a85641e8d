import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isAlive, startTicksOf } from "./hosts/process.ts";
import { at, connectTo, type RunningSandbox, textIn, until } from "./testing/running-sandbox.ts";
import { openTenant } from "./testing/tenant.ts";

const program = fileURLToPath(new URL("main.ts", import.meta.url));

interface Started {
  readonly child: ChildProcess;
  readonly sandbox: Pick<RunningSandbox, "ask" | "login" | "url">;
}

async function start(folder: string): Promise<Started> {
  const settings = ["--sandbox-dir", folder, "--sandbox-transition-ms", "5"];
  const child = spawn(process.execPath, [program, ...settings], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const said: unknown = JSON.parse(line);
    if (at(said, "event") === "service.ready") return { child, sandbox: connectTo(textIn(said, "url")) };
  }
  throw new Error("the sandbox ended before it was ready");
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}

void test("a killed sandbox leaves its QEMUs to the next one, a stopped one leaves nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sbx-"));
  try {
    const first = await start(folder);
    const demo = await openTenant(first.sandbox, "demo", "demo");
    const id = await demo.makeServer({ imageRef: await demo.makeImage(randomBytes(65_536)) });
    const pid = Number(at((await first.sandbox.ask("GET", "/sandbox/qemu")).json, "list", 0, "pid"));
    const qemu = { pid, startTicks: startTicksOf(pid) ?? "" };
    await end(first.child, "SIGKILL");
    assert.ok(isAlive(qemu));
    const second = await start(folder);
    const again = await openTenant(second.sandbox, "demo", "demo");
    await again.serverStatus(id, "ACTIVE");
    // The old token still holds: it was in the journal before it was given out.
    const asked = await second.sandbox.ask("GET", "/compute/v2.1/servers", { token: demo.login.token });
    assert.equal(asked.status, 200);
    assert.equal(Number(at((await second.sandbox.ask("GET", "/sandbox/qemu")).json, "list", 0, "pid")), pid);
    assert.equal(await end(second.child, "SIGTERM"), 0);
    await until("the QEMU has ended", async () => Promise.resolve(!isAlive(qemu)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
