import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { after, describe, it } from "node:test";

const door = new URL("./index.ts", import.meta.url).href;

/** A program of three lines, in a process of its own. */
function program(start: string, argv: readonly string[] = []) {
  const script = `
    import { databaseSettings, integer, runService } from ${JSON.stringify(door)};
    const listenPort = integer({ min: 0, max: 9, default: 0 });
    const spec = { api: { listenPort }, database: databaseSettings };
    const start = async ({ config, log, status, signal }) => { ${start} };
    await runService({ name: "api", spec, start }, process);
  `;
  const node = ["--input-type=module-typescript", "--eval", script, "--", "program", ...argv];
  const child = spawn(process.execPath, node, {
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] },
  });
  children.add(child);
  const seen = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (part: string) => (seen.stdout += part));
  child.stderr.setEncoding("utf8").on("data", (part: string) => (seen.stderr += part));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...seen }));
  return { child, ended };
}

const children = new Set<ChildProcessWithoutNullStreams>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** Resolves when the program has printed `text` on standard output. */
async function printed(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  let all = "";
  for await (const [part] of on(child)) {
    all += part;
    if (all.includes(text)) return;
  }
  throw new Error(`the program ended without printing ${text}`);
}

async function* on(child: ChildProcessWithoutNullStreams): AsyncGenerator<[string]> {
  const ended = new AbortController();
  child.once("close", () => ended.abort());
  while (!ended.signal.aborted) {
    const next = once(child.stdout, "data", { signal: ended.signal });
    yield [String((await next)[0])];
  }
}

const serving =
  "return { facts: { port: 7 }, stop: async () => log.info('stop.called', { aborted: signal.aborted }) };";
const url = ["--database-url", "hush"];

describe("the life of a program", () => {
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    it(`says service.ready with its port, stops at ${name} and exits with 0`, async () => {
      const { child, ended } = program(serving, url);
      await printed(child, "service.ready");
      child.kill(name);
      const { code, stdout, stderr } = await ended;
      assert.equal(code, 0);
      assert.equal(stderr, "");
      const lines = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const events = lines.map((line) => line["event"]);
      assert.deepEqual(events, ["service.ready", "service.stopping", "stop.called", "service.stopped"]);
      assert.partialDeepStrictEqual(lines[0], { service: "api", port: 7 });
      assert.equal(lines[2]?.["aborted"], true);
    });
  }

  it("ends with its parent when told to: standard input closes, it stops and exits with 0", async () => {
    const { child, ended } = program(serving, [...url, "--stop-with-stdin"]);
    await printed(child, "service.ready");
    child.stdin.end();
    assert.equal((await ended).code, 0);
  });

  it("stops in the middle of its start when told to, and that is no failure", async () => {
    const waits =
      "log.info('waiting'); await new Promise((_, no) => { setInterval(() => {}, 99); " +
      "signal.addEventListener('abort', () => no(signal.reason)); });";
    const { child, ended } = program(waits, url);
    await printed(child, "waiting");
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    assert.deepEqual([code, stderr], [0, ""]);
  });

  it("ends a failed start with exit code 1 and one readable line, without a stack", async () => {
    const failing = "throw new Error('opening the database', { cause: new Error('no route to host') });";
    const { code, stdout, stderr } = await program(failing, url).ended;
    assert.equal(code, 1);
    assert.equal(stderr, "cairn-api: opening the database: no route to host\n");
    assert.doesNotMatch(stdout + stderr, /at .*:\d+:\d+/);
  });

  it("puts the stack of a failure into the log at debug level", async () => {
    const { stdout } = await program("throw new Error('x');", [...url, "--log-level", "debug"]).ended;
    assert.match(stdout, /"fault_stack":"Error: x\\n {4}at /);
  });

  it("ends with exit code 1 when a promise that nobody awaits fails", async () => {
    const stray = `setImmediate(() => void Promise.reject(new Error("stray"))); ${serving}`;
    const { code, stderr } = await program(stray, url).ended;
    assert.deepEqual([code, stderr], [1, "cairn-api: stray\n"]);
  });

  it("ends by itself with 0 when its work is over, with 1 when its work fails", async () => {
    const ending = (how: string) => `return { facts: {}, stop: async () => {}, ended: ${how} };`;
    assert.equal((await program(ending("Promise.resolve()"), url).ended).code, 0);
    const failed = await program(ending("Promise.reject(new Error('lost'))"), url).ended;
    assert.deepEqual([failed.code, failed.stderr], [1, "cairn-api: lost\n"]);
  });

  it("refuses a bad configuration with exit code 2 and one line that says how to mend it", async () => {
    const { code, stderr, stdout } = await program(serving, [...url, "--api-listen-prot", "1"]).ended;
    assert.deepEqual([code, stdout], [2, ""]);
    assert.equal(stderr, "cairn-api: unknown setting --api-listen-prot (did you mean --api-listen-port?)\n");
  });

  it("prints every setting with its origin for --check-config and exits with 0", async () => {
    const { code, stdout } = await program(serving, [...url, "--check-config"]).ended;
    assert.equal(code, 0);
    assert.match(stdout, /^database\.url = \[secret\] {4}# flag --database-url$/m);
    assert.doesNotMatch(stdout, /hush/);
  });

  it("prints its usage for --help", async () => {
    const { code, stdout } = await program(serving, ["--help"]).ended;
    assert.equal(code, 0);
    assert.match(stdout, /--api-listen-port VALUE/);
  });
});
