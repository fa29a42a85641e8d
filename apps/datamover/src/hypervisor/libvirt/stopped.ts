import type { ProtectInstance } from "@cairn/contract";
import { Fault } from "@cairn/kernel";
import type { LibvirtClient } from "@cairn/libvirt";
import { fileNode, rbdNode } from "../image-node.ts";
import type { DiskImage, Point } from "../port.ts";
import type { StoppedDisk, StoppedInstance } from "../stopped-point.ts";
import { type DescribedDisk, type DescribedDomain, describedDisk, storagePath } from "./domain-xml.ts";
import { type DomainHandle } from "./job.ts";
import { activityOf, SHUTOFF } from "./link.ts";

/** A stopped instance, to be read through a storage daemon: from the files, devices or images themselves. */
export async function stoppedInstance(
  handle: DomainHandle,
  described: DescribedDomain,
  request: ProtectInstance,
  signal: AbortSignal,
): Promise<StoppedInstance> {
  const started = new AbortController();
  const disks: StoppedDisk[] = [];
  for (const order of request.disks) {
    const disk = describedDisk(described, order.source, request.instanceId);
    disks.push({ order, ...(await openable(handle.client, disk, signal)) });
  }
  await handle.client.register("lifecycle", handle.domain, { signal });
  handle.client.listen((event) => {
    if (event.kind === "lifecycle" && event.domain.uuid === handle.domain.uuid && event.event === "started")
      started.abort();
  });
  return {
    request,
    disks,
    consistency: await stoppedConsistency(handle, signal),
    started: started.signal,
    isStopped: async (stop) => {
      if (started.signal.aborted) return false;
      const now = await handle.client.findDomain(handle.domain.uuid, { signal: stop });
      return now?.id === -1 && (await activityOf(handle.client, now, stop)) === "stopped";
    },
  };
}

/** Only a guest that shut down by itself has written everything back. */
export async function stoppedConsistency(
  { client, domain }: DomainHandle,
  signal: AbortSignal,
): Promise<Point["consistency"]> {
  const { reason } = await client.domainState(domain, { signal });
  if (reason === SHUTOFF.shutdown) return { quality: "file-system", reason: "the instance is stopped" };
  if (reason === SHUTOFF.saved)
    return {
      quality: "crash",
      reason: "the instance is suspended: its guest has not written everything back",
    };
  if (reason === SHUTOFF.unknown || reason === SHUTOFF.daemon)
    return { quality: "crash", reason: "the instance is stopped, and libvirt has not seen how it ended" };
  return { quality: "crash", reason: "the instance was switched off while it ran" };
}

/** A disk as a storage daemon opens it. Fault `disk-unreadable` for storage that it cannot open. */
export async function openable(
  client: LibvirtClient,
  disk: DescribedDisk,
  signal: AbortSignal,
): Promise<DiskImage & { readonly device: string }> {
  const { device, format, storage } = disk;
  const path = storagePath(storage);
  const common = { device, format, path };
  switch (storage.kind) {
    case "file":
      return { ...common, ...fileNode(storage.path) };
    case "device":
      return { ...common, storage: { driver: "host_device", filename: storage.path } };
    case "rbd":
      // Ceph's key is where Nova put it: in a secret of libvirt's.
      return { ...common, ...(await rbdNode(storage, async (uuid) => client.secretValue(uuid, { signal }))) };
    case "other":
      throw new Fault("disk-unreadable", `opening ${path} of a stopped instance`, "after-operator");
  }
}
