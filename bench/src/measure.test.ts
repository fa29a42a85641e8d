import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MiB, systemClock } from "@cairn/kernel";
import { childSeconds, type Meter, measure } from "./measure.ts";

const meter: Meter = { clock: systemClock, environment: process.env, signal: new AbortController().signal };
const script = (text: string) => ({ program: process.execPath, parameters: ["-e", text] });

describe("a measurement", () => {
  it("counts the CPU time and the memory of the tool and of what it starts", async () => {
    const burn = "const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);";
    const child = `${burn} Buffer.alloc(${100 * MiB}, 1); setTimeout(() => {}, 200);`;
    const start = `execFileSync(process.execPath, ['-e', ${JSON.stringify(child)}])`;
    const parent = `require('node:child_process').${start}`;
    const measured = await measure(meter, script(parent));
    assert.ok(measured.cpuSeconds >= 0.3, `${measured.cpuSeconds} s`);
    assert.ok(measured.seconds >= 0.3);
    assert.ok(
      measured.peakBytes > 150 * MiB && measured.peakBytes < 400 * MiB,
      `${measured.peakBytes / MiB} MiB`,
    );
  });

  it("of a tool that fails is an error with what it complained of", async () => {
    const failing = measure(meter, script("console.error('no such disk'); process.exit(3)"));
    await assert.rejects(failing, /exit code 3: no such disk/);
  });

  it("that is interrupted ends the tool", async () => {
    const stop = new AbortController();
    const running = measure({ ...meter, signal: stop.signal }, script("setInterval(() => {}, 1000)"));
    setImmediate(() => stop.abort(new Error("stopped")));
    await assert.rejects(running, /stopped/);
  });

  it("reads what the shell says of its children", () => {
    assert.equal(childSeconds("0m0.001s 0m0.002s\n1m2.500s 0m0.250s\n"), 62.75);
  });
});
