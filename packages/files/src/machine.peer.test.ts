import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { NbdServer } from "@cairn/nbd";
import type { Answer } from "./answers.ts";
import { type Appliance, buildAppliance } from "./appliance/appliance.ts";
import { type Machine, startMachine } from "./machine.ts";
import {
  KERNEL_ROOT,
  makeDamaged,
  makeLogical,
  makePartitioned,
  makeXfs,
  serveFiles,
} from "./testing/test-disks.ts";

/*
 * One machine with the disks of three snapshots, asked again and again.
 */

let folder: string;
let appliance: Appliance;
let server: NbdServer;
let machine: Machine;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-machine-"));
  appliance = await buildAppliance({ kernelRoot: KERNEL_ROOT, path: process.env["PATH"] ?? "" });
  const logical = await makeLogical(folder);
  const disks = {
    "s0.vda": await makePartitioned(folder),
    "s1.vda": await makeXfs(folder),
    // The ids on it are those of another snapshot: a copy of one disk.
    "s1.vdb": logical,
    "s2.vda": await makeDamaged(folder),
    "s3.vda": logical,
  };
  server = await serveFiles(folder, disks);
  machine = await startMachine({
    appliance,
    folder,
    serials: Object.keys(disks),
    disksSocket: join(folder, "disks.sock"),
    accelerator: "tcg",
    signal: AbortSignal.timeout(300_000),
  });
});

after(async () => {
  await machine[Symbol.asyncDispose]();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const hex = (text: string): string => Buffer.from(text).toString("hex");

/** Answers in short: volumes as `label format state`, files as their paths, the rest by its kind. */
async function asked(verb: string, ...words: readonly string[]): Promise<string[]> {
  const answers = await Array.fromAsync(machine.ask(verb, words));
  return answers.map((answer) => inShort(answer));
}

function inShort(answer: Answer): string {
  switch (answer.kind) {
    case "volume":
      return `${answer.volume.label} ${answer.volume.format} ${answer.volume.state}`;
    case "file":
      return answer.file.path;
    case "data":
      return answer.bytes.toString();
    case "broken":
    case "folder":
    case "absent":
    case "more":
      return answer.kind;
  }
}

const SEARCHES: readonly [string, string, string, readonly string[]][] = [
  ["a path in partitions", "s0", "/etc/hosts", ["vda1 ext4 mounted", "/etc/hosts"]],
  ["a name with a blank and an accent", "s0", "/etc/h?llo*", ["vda1 ext4 mounted", "/etc/héllo world"]],
  [
    "a folder behind a link, from the file system's own root",
    "s0",
    "/link/hosts",
    ["vda1 ext4 mounted", "/link/hosts"],
  ],
  ["nothing behind links that lead out or round", "s0", "/*/busybox", ["vda1 ext4 mounted"]],
  ["nothing below a link to itself", "s0", "/loop/*", ["vda1 ext4 mounted"]],
];

for (const [name, tag, pattern, expected] of SEARCHES) {
  test(`a search finds ${name}`, async () => {
    const found = await asked("search", tag, hex(pattern), "100");
    assert.deepEqual(found, [...expected, "vda2 swap other"]);
  });
}

test("any folders, in two snapshots of the same logical volume, one after the other", async () => {
  const volume = ["data/files ext4 mounted", "/srv/note.txt"];
  assert.deepEqual(await asked("search", "s3", hex("/**/note.*"), "9"), volume);
  const xfs = ["vda xfs mounted", "/srv/note.txt"];
  assert.deepEqual(await asked("search", "s1", hex("/**/note.*"), "9"), [...xfs, ...volume]);
});

test("a search tells that there is more than it was allowed to tell", async () => {
  const told = await asked("search", "s0", hex("/many/*"), "3");
  assert.deepEqual(told.slice(0, 4), ["vda1 ext4 mounted", "/many/f0", "/many/f1", "/many/f10"]);
  assert.deepEqual(told.slice(4), ["vda2 swap other", "more"]);
});

test("a file system that is none is named as damaged, and the machine goes on", async () => {
  assert.deepEqual(await asked("search", "s2", hex("/*"), "9"), ["vda ext4 damaged"]);
});

test("a folder is listed in pages, and files are told with their facts", async () => {
  const page = ["list", "s0", hex("vda1"), hex("/many/"), hex("f47"), "2"] as const;
  assert.deepEqual(
    (await asked(...page)).filter((each) => !each.includes(" ")),
    ["folder", "/many/f48", "/many/f49", "more"],
  );
  const answers = await Array.fromAsync(
    machine.ask("list", ["s1", hex("vda"), hex("/srv/note.txt"), "", "9"]),
  );
  const file = answers.find((answer) => answer.kind === "file")?.file;
  assert.deepEqual([file?.mode, file?.uid, file?.gid, file?.sizeBytes], [0o100640, 7, 8, 9]);
  assert.ok((await asked("list", "s0", hex("vda1"), hex("/none"), "", "9")).includes("absent"));
});

test("a file comes with its bytes, and one that is not there is told to be absent", async () => {
  const got = await asked("get", "s1", hex("data/files"), hex("/srv/note.txt"));
  assert.deepEqual(got, [
    "vda xfs readable",
    "data/files ext4 mounted",
    "/srv/note.txt",
    "in a logical volume\n",
  ]);
  assert.ok((await asked("get", "s1", hex("vda"), hex("/etc/passwd"))).includes("absent"));
});

test("a machine that dies is a fault with what QEMU said, and none is left behind", async () => {
  const starting = startMachine({
    appliance,
    folder: await mkdtemp(join(folder, "bad-")),
    serials: ["s9.vda"],
    disksSocket: join(folder, "disks.sock"),
    accelerator: "tcg",
    signal: AbortSignal.timeout(60_000),
  });
  await assert.rejects(starting, { code: "files-machine-died" });
});

test("a host without a kernel is told what to install", async () => {
  await assert.rejects(buildAppliance({ kernelRoot: folder, path: "" }), {
    code: "files-unavailable",
    message: /linux-image/,
  });
});
