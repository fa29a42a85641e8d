import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { describeFault, type Fault } from "@cairn/kernel";
import { connectLibvirt, type LibvirtClient } from "./client.ts";
import type { DomainEvent } from "./events.ts";
import { isLibvirtRefusal } from "./faults.ts";
import { TestDaemon } from "./testing/test-daemon.ts";
import { attributeOf, childOf, childrenOf, parseXml } from "./xml/codec.ts";

const NOWHERE = "00000000-0000-4000-8000-000000000000";
const hasCodeOf =
  (code: string) =>
  (cause: Fault): boolean =>
    cause.code === code;

/** Collects events, and waits for one. */
function watch(client: LibvirtClient): (accepts: (event: DomainEvent) => boolean) => Promise<DomainEvent> {
  const seen: DomainEvent[] = [];
  let wake = Promise.withResolvers<void>();
  client.listen((event) => {
    seen.push(event);
    wake.resolve();
    wake = Promise.withResolvers();
  });
  return async (accepts) => {
    for (;;) {
      const found = seen.find(accepts);
      if (found !== undefined) return found;
      await wake.promise;
    }
  };
}

const isLifecycle =
  (event: string) =>
  (each: DomainEvent): boolean =>
    each.kind === "lifecycle" && each.event === event;

void test("a domain is defined, found, started, backed up and ended, with its events", async () => {
  await using daemon = await TestDaemon.open();
  using client = await daemon.connect();
  assert.match(await client.libraryVersion(), /^\d+\.\d+\.\d+$/);
  assert.match(await client.hypervisorVersion(), /^\d+\.\d+\.\d+$/);
  assert.notEqual(await client.hostname(), "");
  assert.equal(await client.findDomain(NOWHERE), undefined);
  for (const kind of ["lifecycle", "jobCompleted", "blockThreshold"] as const) {
    await client.register(kind, undefined);
  }
  const seen = watch(client);
  const disks = [
    { target: "vda", format: "qcow2" },
    { target: "vdb", format: "raw" },
  ] as const;
  const defined = await client.defineDomain(await daemon.describe(disks));
  assert.deepEqual((await client.domainState(defined)).state, "shut-off");
  const domain = await client.startDomain(defined, "paused");
  await seen(isLifecycle("started"));
  assert.deepEqual(await client.findDomain(domain.uuid), domain);
  assert.deepEqual(await client.listDomains(), [domain]);
  assert.equal((await client.domainState(domain)).state, "paused");
  await client.resumeDomain(domain);
  await seen(isLifecycle("resumed"));
  await client.suspendDomain(domain);
  await seen(isLifecycle("suspended"));
  const xml = parseXml(await client.domainXml(domain, "current"));
  const described = childrenOf(childOf(xml, "devices"), "disk");
  assert.equal(attributeOf(xml, "id"), String(domain.id));
  assert.match(attributeOf(childOf(described[0], "source"), "index") ?? "", /^\d+$/);
  assert.equal(attributeOf(parseXml(await client.domainXml(domain, "inactive")), "id"), undefined);

  const answer: unknown = JSON.parse(await client.monitorCommand(domain, '{"execute":"query-status"}'));
  assert.equal((answer as { return: { status: string } }).return.status, "paused");
  const write = async (): Promise<void> => {
    const io = 'qemu-io -d /machine/peripheral/virtio-disk1/virtio-backend \\"write -P 7 0 4M\\"';
    const line = `{"execute":"human-monitor-command","arguments":{"command-line":"${io}"}}`;
    assert.match(await client.monitorCommand(domain, line), /"return":""/);
  };
  // Zeroes take no room in scratch: what is to be copied before the second write must be something.
  await write();
  assert.equal(await client.backupXml(domain), undefined);
  assert.equal(await client.hasJob(domain), false);
  await client.backupBegin(domain, { backup: backupXml(daemon.folder), checkpoint: CHECKPOINT });
  assert.equal(await client.hasJob(domain), true);
  const job = parseXml((await client.backupXml(domain)) ?? "");
  const vdb = childrenOf(childOf(job, "disks"), "disk").find((disk) => attributeOf(disk, "name") === "vdb");
  assert.equal((await client.jobStatistics(domain)).parameters.get("operation"), 9);
  await client.setBlockThreshold(domain, { device: `vdb[${attributeOf(vdb, "index")}]`, bytes: 1 << 20 });
  await write();
  const full = await seen((event) => event.kind === "blockThreshold");
  assert.ok(full.kind === "blockThreshold" && full.device.startsWith("vdb[") && full.excessBytes > 0);

  const [checkpoint, ...more] = await client.listCheckpoints(domain);
  assert.ok(checkpoint?.name === "cairn-1" && more.length === 0);
  await client.forgetCheckpoint(checkpoint);
  await client.forgetCheckpoint(checkpoint);
  await client.abortJob(domain);
  await seen((event) => event.kind === "jobCompleted");
  assert.equal(await client.hasJob(domain), false);
  const again = await client.redefineCheckpoint(domain, CHECKPOINT_AGAIN);
  assert.deepEqual(await client.listCheckpoints(domain), [again]);
  await client.destroyDomain(domain);
  await seen(isLifecycle("stopped"));
  await assert.rejects(client.undefineDomain(domain), (cause) => isLibvirtRefusal(cause, "operationInvalid"));
  await client.forgetCheckpoint(again);
  await client.undefineDomain(domain);
  assert.deepEqual(await client.listDomains(), []);
});

const CHECKPOINT =
  "<domaincheckpoint><name>cairn-1</name><disks>" +
  "<disk name='vda' checkpoint='bitmap'/><disk name='vdb' checkpoint='no'/></disks></domaincheckpoint>";
const CHECKPOINT_AGAIN = CHECKPOINT.replace("<disks>", "<creationTime>1</creationTime><disks>");

function backupXml(folder: string): string {
  const disks = ["vda", "vdb"].map(
    (name) =>
      `<disk name='${name}' backup='yes' type='file'><driver type='qcow2'/>` +
      `<scratch file='${folder}/${name}.scratch'/></disk>`,
  );
  return (
    `<domainbackup mode='pull'><server transport='unix' socket='${folder}/nbd.sock'/>` +
    `<disks>${disks.join("")}</disks></domainbackup>`
  );
}

void test("libvirt's refusals carry its number; a missing agent is refused at once", async () => {
  await using daemon = await TestDaemon.open();
  using client = await daemon.connect();
  const domain = await client.defineDomain(await daemon.describe([{ target: "vda", format: "qcow2" }]));
  await assert.rejects(client.abortJob(domain), (cause) => isLibvirtRefusal(cause, "operationInvalid"));
  await assert.rejects(client.hasJob({ ...domain, uuid: NOWHERE }), (cause) =>
    isLibvirtRefusal(cause, "noDomain"),
  );
  const started = await client.startDomain(domain, "running");
  const ping = { line: '{"execute":"guest-ping"}', timeoutS: 1 };
  await assert.rejects(client.agentCommand(started, ping), (cause) =>
    isLibvirtRefusal(cause, "argumentUnsupported", "configUnsupported", "agentUnresponsive"),
  );
  await assert.rejects(client.freezeFileSystems(started));
  await assert.rejects(client.thawFileSystems(started));
  await assert.rejects(client.secretValue(NOWHERE));
  const refused = await client.monitorCommand(started, '{"execute":"no-such"}');
  assert.match(refused, /CommandNotFound/);
});

void test("a daemon that dies ends the connection and every waiting call", async () => {
  await using daemon = await TestDaemon.open();
  using client = await daemon.connect({ keepaliveMs: 100 });
  process.kill(daemon.pid, "SIGSTOP");
  const waiting = client.hostname();
  const silent = await client.closed;
  assert.match(silent.message, /is silent/);
  await assert.rejects(waiting, hasCodeOf("libvirt-lost"));
  await assert.rejects(client.hostname(), hasCodeOf("libvirt-lost"));
  process.kill(daemon.pid, "SIGCONT");
  using later = await daemon.connect();
  await later.hostname();
});

void test("a call can be given up, by its signal or its limit; the connection goes on", async () => {
  await using daemon = await TestDaemon.open();
  using client = await daemon.connect();
  process.kill(daemon.pid, "SIGSTOP");
  const stop = new AbortController();
  const waiting = client.hostname({ signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(client.hostname({ signal: stop.signal }), /enough/);
  await assert.rejects(client.hostname({ timeoutMs: 50 }), hasCodeOf("libvirt-timeout"));
  process.kill(daemon.pid, "SIGCONT");
  await client.hostname();
});

void test("no daemon, a silent one and one that speaks something else are told apart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-lv-"));
  await chmod(folder, 0o700);
  const socket = join(folder, "s");
  const address = { socket, uri: "qemu:///session", timeoutMs: 200 };
  await assert.rejects(connectLibvirt(address), hasCodeOf("libvirt-unreachable"));
  const server = createServer((peer) => {
    peer.once("data", () => peer.write("SSH-2.0-OpenSSH_9.2\r\n"));
  });
  server.listen(socket);
  await once(server, "listening");
  await assert.rejects(connectLibvirt(address), (cause) => /a message of/.test(describeFault(cause)));
  server.close();
  await rm(folder, { recursive: true });
});
