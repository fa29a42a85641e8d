import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Fault, systemClock } from "@cairn/kernel";
import { Child, type ChildSpec } from "./child.ts";

const folder = mkdtempSync(join(tmpdir(), "cairn-child-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const READY = `console.log(JSON.stringify({ event: "service.ready", port: 7 }));`;

/** A program of these lines of JavaScript. */
function specOf(name: string, lines: string): ChildSpec {
  const program = join(folder, `${name}.mjs`);
  writeFileSync(program, lines);
  return { name, program, environment: {}, logFile: join(folder, `${name}.log`), readyTimeoutMs: 10_000 };
}

async function untilGone(pid: number): Promise<void> {
  const deadlineMs = systemClock.now() + 10_000;
  while (existsSync(`/proc/${String(pid)}`)) {
    assert.ok(systemClock.now() < deadlineMs, `process ${String(pid)} is still there`);
    await systemClock.sleep(20);
  }
}

test("a program tells its port when it serves, and is gone after stop", async () => {
  const child = await Child.start(specOf("good", `${READY} setInterval(() => {}, 1000);`));
  assert.equal(child.ready.port, 7);
  assert.ok(child.running);
  await child.stop();
  await untilGone(child.pid);
});

test("a program that ends before it serves is a fault with its last words", async () => {
  const spec = specOf("bad", `console.error("no such key"); process.exit(2);`);
  await assert.rejects(Child.start(spec), (fault) => {
    assert.ok(fault instanceof Fault);
    assert.equal(fault.code, "child-failed");
    return true;
  });
});

test("a program that stays silent is ended", async () => {
  const spec = specOf("silent", `console.log(process.pid); setInterval(() => {}, 1000);`);
  await assert.rejects(Child.start({ ...spec, readyTimeoutMs: 1_500 }), /silent did not become ready/);
  await untilGone(Number(readFileSync(spec.logFile, "utf8").trim()));
});

test("programs stop by themselves when their parent is killed", async () => {
  const spec = specOf("orphan", `${READY} process.stdin.on("end", () => process.exit(0)).resume();`);
  const door = new URL("./child.ts", import.meta.url).href;
  const lines = `import { Child } from ${JSON.stringify(door)};
    console.log((await Child.start(${JSON.stringify(spec)})).pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", lines], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [bytes] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(bytes.toString().trim());
  assert.ok(existsSync(`/proc/${String(pid)}`));
  parent.kill("SIGKILL");
  await once(parent, "exit");
  await untilGone(pid);
});
