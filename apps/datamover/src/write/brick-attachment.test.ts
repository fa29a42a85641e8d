import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Fault } from "@cairn/kernel";
import { createLog } from "@cairn/service";
import type { OsBrick } from "../host/os-brick.ts";
import { Scratch } from "../host/scratch.ts";
import { attachByBrick, type BrickPlace, disconnectOrphans } from "./brick-attachment.ts";

const never = new AbortController().signal;
const CONNECTION = { driver_volume_type: "iscsi", target_iqn: "iqn.x:1" };

interface Scene extends AsyncDisposable {
  readonly place: BrickPlace;
  readonly folder: string;
  /** What os-brick was asked, in order. */
  readonly asked: string[];
  /** Disconnections that go wrong before one works. */
  refusals: number;
  path: string;
}

async function openScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-brick-"));
  const scratch = new Scratch(join(folder, "scratch"), { percent: 0, reserveBytes: 0 });
  await scratch.prepare();
  const attachmentsFolder = join(folder, "cinder");
  await mkdir(attachmentsFolder);
  const asked: string[] = [];
  const osBrick: OsBrick = {
    connector: {},
    look: async () => Promise.resolve(),
    tend: async () => Promise.resolve(),
    connect: async () => {
      asked.push("connect");
      if (scene.path === "") throw new Fault("attachment-failed", "no device came", "later");
      return Promise.resolve({ path: scene.path });
    },
    disconnect: async (_connection, device, isForced) => {
      asked.push(`disconnect ${JSON.stringify(device)}${isForced ? " by force" : ""}`);
      scene.refusals -= 1;
      if (scene.refusals >= 0) throw new Fault("attachment-failed", "the device is busy", "later");
      return Promise.resolve();
    },
  };
  const log = createLog("datamover", { level: "debug", write: () => undefined });
  const scene: Scene = {
    place: { osBrick, scratch, attachmentsFolder, log },
    folder,
    asked,
    refusals: 0,
    path: join(attachmentsFolder, "volume-1"),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }),
  };
  await writeFile(scene.path, "");
  return scene;
}

const attach = async (scene: Scene) =>
  attachByBrick(scene.place, CONNECTION, { name: "0a1b", signal: never });

void test("a volume is noted before it is connected, in private, until it is disconnected", async () => {
  await using scene = await openScene();
  const device = `{"path":"${scene.path}"}`;
  {
    await using attached = await attach(scene);
    assert.equal(attached.image.path, scene.path);
    const note = join(scene.place.scratch.folderOf("b-0a1b"), "connection.json");
    assert.deepEqual(JSON.parse(await readFile(note, "utf8")), {
      connection: CONNECTION,
      device: { path: scene.path },
    });
    assert.equal((await stat(note)).mode & 0o777, 0o600);
  }
  assert.deepEqual(scene.asked, ["connect", `disconnect ${device}`]);
  assert.deepEqual(await readdir(scene.place.scratch.path), []);
});

void test("a connection that fails half-way is taken down, and so is one to a strange place", async () => {
  await using scene = await openScene();
  const [ours, strange] = [scene.path, join(scene.folder, "secrets")];
  scene.path = "";
  await assert.rejects(attach(scene), /no device came/);
  await writeFile(strange, "");
  await rm(ours);
  await symlink(strange, ours);
  for (const path of [strange, ours, `${scene.place.attachmentsFolder}/../secrets`, "/dev/null"]) {
    scene.path = path;
    await assert.rejects(attach(scene), (cause: Fault) => cause.code === "attachment-outside", path);
  }
  scene.path = "/dev/nothing-is-here";
  await assert.rejects(attach(scene), (cause: Fault) => cause.code === "attachment-failed");
  assert.equal(scene.asked.filter((each) => each === "connect").length, 6);
  assert.equal(scene.asked.filter((each) => each.startsWith("disconnect")).length, 6);
  assert.deepEqual(await readdir(scene.place.scratch.path), []);
});

void test("what refuses to be disconnected goes by force, or is left to the next start", async () => {
  await using scene = await openScene();
  scene.refusals = 1;
  await (await attach(scene))[Symbol.asyncDispose]();
  assert.match(scene.asked.at(-1) ?? "", / by force$/);
  scene.refusals = 2;
  await (await attach(scene))[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(scene.place.scratch.path), ["b-0a1b"]);
  scene.asked.length = 0;
  assert.equal(await disconnectOrphans(scene.place), 1);
  assert.deepEqual(scene.asked, [`disconnect {"path":"${scene.path}"}`]);
  assert.deepEqual(await readdir(scene.place.scratch.path), []);
});

void test("what a killed datamover noted, its successor disconnects", async () => {
  await using scene = await openScene();
  const { scratch } = scene.place;
  // Killed before the note was whole, and before it knew the device.
  await writeFile(join(await scratch.open("b-0000"), "connection.json"), '{"connection":{"dri');
  await scratch.open("b-1111");
  const note = JSON.stringify({ connection: CONNECTION, device: {} });
  await writeFile(join(await scratch.open("b-2222"), "connection.json"), note);
  assert.equal(await disconnectOrphans(scene.place), 3);
  assert.deepEqual(scene.asked, ["disconnect {}"]);
  assert.deepEqual(await readdir(scratch.path), []);
});
