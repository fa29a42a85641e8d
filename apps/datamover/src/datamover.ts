import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { type Clock, Fault, MiB, Secret } from "@cairn/kernel";
import type { ConfigOf, Log, Running, Status } from "@cairn/service";
import { openTransfer } from "@cairn/transfer";
import { datamoverApi } from "./api/client.ts";
import type { datamoverSpec } from "./config.ts";
import { GuardClient } from "./guard/client.ts";
import { launchGuard, retireGuards } from "./guard/launch.ts";
import type { Guard } from "./guard/port.ts";
import { hostOsBrick, NO_OS_BRICK, type OsBrick } from "./host/os-brick.ts";
import { ownIdentity } from "./host/process-identity.ts";
import { Scratch, socketPath } from "./host/scratch.ts";
import { claimFolder } from "./host/unix-socket.ts";
import { libvirtHypervisor } from "./hypervisor/libvirt/driver.ts";
import type { Hypervisor } from "./hypervisor/port.ts";
import { qemuFolderHypervisor } from "./hypervisor/qemu-folder/driver.ts";
import { OrderLoop } from "./orders/order-loop.ts";
import { killOrphans } from "./storage-daemon/orphans.ts";
import { disconnectOrphans } from "./write/brick-attachment.ts";

const VERSION = "0.1.0";

export interface DatamoverParts {
  readonly config: ConfigOf<typeof datamoverSpec>;
  readonly log: Log;
  readonly status: Status;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Clears away what a dead predecessor left, then carries out orders until the signal is aborted. */
export async function startDatamover(parts: DatamoverParts): Promise<Running> {
  const { config, log, status, clock, signal } = parts;
  const { host, tokenFile, scratchDir, ordersMax } = config.datamover;
  const token = await readToken(tokenFile);
  const scratch = new Scratch(scratchDir, {
    percent: config.datamover.scratchPercent,
    reserveBytes: config.datamover.scratchReserveMib * MiB,
  });
  await scratch.prepare();
  const claim = await claimFolder(socketPath(scratchDir, "datamover.sock"));
  const guard = await startGuard({ ...parts, scratch });
  const tools = { scratch, guard, clock, log };
  const { hypervisor, attachmentsFolder } = chooseHypervisor(config.datamover, tools);
  const osBrick = chooseOsBrick(config.datamover, { clock, log });
  await osBrick.look(signal);
  await reconcile({ hypervisor, scratch, clock, log, osBrick }, signal);
  const equipment = {
    hypervisor,
    scratch,
    clock,
    openTransfer,
    attachmentsFolder,
    osBrick,
  };
  const api = datamoverApi(config.datamoverApi.url, token);
  const loop = new OrderLoop({ api, equipment, log, status, ordersMax, version: VERSION });
  const stopping = new AbortController();
  const until = AbortSignal.any([signal, stopping.signal]);
  const tending = Promise.all([hypervisor.tend?.(until), osBrick.tend(until)]);
  const ended = loop.run(until);
  return {
    facts: { host },
    ended,
    stop: async () => {
      stopping.abort(new Fault("stopping", "the datamover is being stopped", "later"));
      await ended;
      await tending;
      await guard.close();
      await claim[Symbol.asyncDispose]();
    },
  };
}

/**
 * Ends what guards dead predecessors left, and starts our own: before anything that it might have to undo.
 */
async function startGuard(parts: DatamoverParts & { readonly scratch: Scratch }): Promise<GuardClient> {
  const { config, log, clock, scratch, signal } = parts;
  const { guardIntervalMs, guardSilenceMs, scratchBudgetMib, scratchReserveMib } = config.datamover;
  const retired = await retireGuards(scratch.path, clock, signal);
  if (retired > 0) log.info("guard.retired", { count: retired });
  const settings = {
    datamover: await ownIdentity(),
    scratchPath: scratch.path,
    reserveBytes: scratchReserveMib * MiB,
    budgetBytes: scratchBudgetMib * MiB,
    intervalMs: guardIntervalMs,
    silenceMs: guardSilenceMs,
  };
  const guard = new GuardClient({ settings, start: () => launchGuard(scratch.path), clock, log });
  await guard.open();
  return guard;
}

/** The driver that the settings name, and where this host has volumes that are files. */
function chooseHypervisor(
  settings: DatamoverParts["config"]["datamover"],
  tools: { readonly scratch: Scratch; readonly guard: Guard; readonly clock: Clock; readonly log: Log },
): { readonly hypervisor: Hypervisor; readonly attachmentsFolder: string } {
  const { attachmentsDir, host, libvirtSocket, libvirtUri, rbdChanges, sandboxDir } = settings;
  switch (settings.hypervisor) {
    case "libvirt": {
      const place = { socket: libvirtSocket, uri: libvirtUri };
      const hypervisor = libvirtHypervisor({ place, rbdChanges, ...tools });
      return { hypervisor, attachmentsFolder: attachmentsDir };
    }
    case "qemu-folder": {
      if (sandboxDir === undefined)
        throw new Fault("setting-missing", "starting without datamover.sandbox_dir", "after-operator");
      const instancesFolder = join(sandboxDir, "hosts", host, "instances");
      const hypervisor = qemuFolderHypervisor({ instancesFolder, ...tools });
      return { hypervisor, attachmentsFolder: join(sandboxDir, "cinder") };
    }
  }
}

function chooseOsBrick(
  settings: DatamoverParts["config"]["datamover"],
  tools: { readonly clock: Clock; readonly log: Log },
): OsBrick {
  if (settings.osBrick === "none") return NO_OS_BRICK;
  const { host, osBrickPython, osBrickRootHelper, osBrickMultipath, osBrickLockDir, osBrickIp } = settings;
  const ip = osBrickIp ?? firstAddress() ?? "127.0.0.1";
  const called = { python: osBrickPython, rootHelper: osBrickRootHelper, lockDir: osBrickLockDir };
  return hostOsBrick({ ...called, host, ip, isMultipath: osBrickMultipath }, tools);
}

function firstAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

/**
 * What a datamover that was killed left behind: its daemons first, for they hold images; then nodes in QEMU;
 * then volumes that os-brick connected; then files.
 */
async function reconcile(
  parts: { hypervisor: Hypervisor; scratch: Scratch; clock: Clock; log: Log; osBrick: OsBrick },
  signal: AbortSignal,
): Promise<void> {
  const { hypervisor, scratch, clock, log, osBrick } = parts;
  const killed = await killOrphans(scratch.path, clock, signal);
  if (killed > 0) log.info("storage-daemon.orphans-killed", { count: killed });
  await hypervisor.reconcile(signal);
  const connected = await disconnectOrphans({ osBrick, scratch, log });
  if (connected > 0) log.info("os-brick.orphans-disconnected", { count: connected });
  for (const folder of await scratch.list(/^w-[a-z0-9]+$/)) await scratch.remove(folder);
}

async function readToken(path: string): Promise<Secret> {
  try {
    return new Secret((await readFile(path, "utf8")).trim());
  } catch (cause) {
    throw new Fault("token-unreadable", `reading the host token from ${path}`, "after-operator", cause);
  }
}
