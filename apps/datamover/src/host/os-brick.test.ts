import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Fault, systemClock } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import { hostOsBrick, NO_OS_BRICK, type OsBrick } from "./os-brick.ts";

const never = new AbortController().signal;
const ISCSI = { driver_volume_type: "iscsi", target_iqn: "iqn.x:1", auth_password: "s3cret" };

interface StandIn extends AsyncDisposable {
  readonly osBrick: OsBrick;
  /** What it was asked, one request a line, and its arguments. */
  asked(): Promise<readonly Record<string, unknown>[]>;
  readonly lines: string[];
}

/** An executable in the place of Python, which answers as the bridge does. */
async function standIn(body: string): Promise<StandIn> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-brick-"));
  const python = join(folder, "python");
  const script = [
    `#!${process.execPath}`,
    'const fs = require("node:fs");',
    'const text = fs.readFileSync(0, "utf8");',
    `fs.appendFileSync(${JSON.stringify(join(folder, "asked"))}, text + "\\n");`,
    "const request = JSON.parse(text);",
    "const answer = (said) => fs.writeSync(1, JSON.stringify(said));",
    body,
  ];
  await writeFile(python, script.join("\n"), { mode: 0o755 });
  const lines: string[] = [];
  const log = createLog("datamover", { level: "debug", write: (line) => void lines.push(line) });
  const called = { python, rootHelper: "sudo", lockDir: "/locks", isMultipath: true };
  return {
    osBrick: hostOsBrick({ ...called, host: "compute1", ip: "10.0.0.9" }, { clock: systemClock, log }),
    asked: async () => {
      const text = await readFile(join(folder, "asked"), "utf8");
      return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    lines,
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }),
  };
}

function isFault(code: string, retry: string, words: RegExp): (cause: unknown) => boolean {
  return (cause) =>
    cause instanceof Fault && cause.code === code && cause.retry === retry && words.test(cause.message);
}

void test("what Cinder is told of a host is what its os-brick says", async () => {
  await using peer = await standIn('answer({ ok: { initiator: "iqn.host", multipath: true } });');
  assert.equal(peer.osBrick.connector, undefined, "nothing is said before it was looked at");
  await peer.osBrick.look(never);
  assert.deepEqual(peer.osBrick.connector, { initiator: "iqn.host", multipath: true });
  const host = { name: "compute1", ip: "10.0.0.9", rootHelper: "sudo", isMultipath: true, lockDir: "/locks" };
  assert.deepEqual(await peer.asked(), [{ do: "properties", ...host }]);
});

void test("a volume is connected and disconnected by what Cinder gave and os-brick said", async () => {
  await using peer = await standIn('answer({ ok: { type: "block", path: "/dev/sdz" } });');
  const device = await peer.osBrick.connect(ISCSI, never);
  assert.deepEqual(device, { type: "block", path: "/dev/sdz" });
  await peer.osBrick.disconnect(ISCSI, device, true);
  const [first, second] = await peer.asked();
  assert.deepEqual([first?.["do"], first?.["connection"]], ["connect", ISCSI]);
  assert.deepEqual([second?.["do"], second?.["device"], second?.["isForced"]], ["disconnect", device, true]);
});

const ERRORS: readonly [string, string, string, string, RegExp][] = [
  [
    "lacks os-brick",
    "missing",
    "os-brick-missing",
    "after-operator",
    /type iscsi .* install python3-os-brick/,
  ],
  ["does not know the kind", "InvalidConnectorProtocol", "attachment-unsupported", "after-operator", /sorry/],
  [
    "cannot log in",
    "VolumeDeviceNotFound",
    "attachment-failed",
    "later",
    /says VolumeDeviceNotFound "sorry"/,
  ],
];

for (const [what, kind, code, retry, words] of ERRORS) {
  void test(`a host that ${what} refuses a volume with ${code}, in os-brick's words`, async () => {
    await using peer = await standIn(`answer({ error: { kind: "${kind}", message: "sorry" } });`);
    await assert.rejects(peer.osBrick.connect(ISCSI, never), isFault(code, retry, words));
    await peer.osBrick.look(never);
    assert.equal(peer.osBrick.connector, undefined);
    assert.ok(!peer.lines.join("").includes("s3cret"));
  });
}

void test("a bridge that dies is a failed attachment, with its last words and without secrets", async () => {
  await using peer = await standIn('fs.writeSync(2, "Traceback: no memory"); process.exit(3);');
  const died = isFault("attachment-failed", "later", /ended with 3: Traceback: no memory/);
  await assert.rejects(peer.osBrick.connect(ISCSI, never), died);
});

void test("whoever stops waiting for a connection ends the process that makes it", async () => {
  await using peer = await standIn("setTimeout(() => undefined, 60_000);");
  const stop = new AbortController();
  const reason = new Fault("order-cancelled", "the order is cancelled", "never");
  const connecting = peer.osBrick.connect(ISCSI, stop.signal);
  stop.abort(reason);
  await assert.rejects(connecting, (cause) => cause === reason);
});

void test("without os-brick a volume is refused, and the setting is named", async () => {
  const refused = isFault("os-brick-missing", "after-operator", /datamover\.os_brick is none/);
  await assert.rejects(NO_OS_BRICK.connect(ISCSI, never), refused);
});
