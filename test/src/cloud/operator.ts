import type { InstanceId, VolumeId } from "@cairn/kernel";
import { systemClock } from "@cairn/kernel";
import type { Cloud, Server, Volume } from "@cairn/openstack";
import { until } from "../tree.ts";

const WITHIN_MS = 300_000;
const LOOK_MS = 500;
const DETACH_TRIES = 4;
const DETACH_PAUSE_MS = 2_000;
/** Longer than any guest is frozen for a point. */
const FREEZE_MS = 5_000;
/** Stein's; Cinder's extends volumes that are in use since 3.42. */
const NOVA = { "X-OpenStack-Nova-API-Version": "2.72" };
const CINDER = { "OpenStack-API-Version": "volume 3.59" };

/** A tenant who does to instances and volumes what the product never does, and waits until it is done. */
export class Operator {
  readonly #cloud: Cloud;
  readonly #signal: AbortSignal;

  constructor(cloud: Cloud, signal: AbortSignal) {
    this.#cloud = cloud;
    this.#signal = signal;
  }

  /** One of Nova's server actions, such as `{ pause: null }`, and the status that it leads to. */
  async act(id: InstanceId, action: object, status: string): Promise<Server> {
    await this.#post("compute", `/servers/${id}/action`, action, NOVA);
    return this.whenStatus(id, status);
  }

  /** Waits until no task is going on and the status is this one. */
  async whenStatus(id: InstanceId, status: string): Promise<Server> {
    return this.#look(`${status} of instance ${id}`, async () => {
      const server = await this.#cloud.nova.servers.get(id, this.#signal);
      if (server.status === "ERROR" && status !== "ERROR")
        throw new Error(`instance ${id} is in ERROR: ${server.fault?.message ?? "without a reason"}`);
      return server.status === status && server.taskState === undefined ? server : undefined;
    });
  }

  async resize(id: InstanceId, flavorId: string): Promise<void> {
    await this.act(id, { resize: { flavorRef: flavorId } }, "VERIFY_RESIZE");
    await this.act(id, { confirmResize: null }, "ACTIVE");
  }

  /** Makes an image of an instance, and deletes it with the snapshots that Nova made for it. */
  async imageAndDelete(id: InstanceId, name: string): Promise<void> {
    await this.#image(id, name);
    const { glance, cinder } = this.#cloud;
    const image = await this.#look(`image ${name}`, async () => {
      const [found] = await glance.images.list({ name }, this.#signal);
      return found?.status === "active" ? found : undefined;
    });
    const { taskState } = await this.#cloud.nova.servers.get(id, this.#signal);
    if (taskState !== undefined) await this.#idle(id);
    await glance.images.delete(image.id, this.#signal);
    for (const snapshot of await cinder.snapshots.list({}, this.#signal)) {
      if (snapshot.name !== `snapshot for ${name}`) continue;
      // Nova freezes the guest for the image, and cannot freeze it again for a file volume's snapshot:
      // without Cairn, too, that fails where the image wants every snapshot quiesced.
      await this.#look(`snapshot ${snapshot.id}`, async () => {
        const found = await cinder.snapshots.find(snapshot.id, this.#signal);
        return found?.status === "available" || found?.status === "error" ? found : undefined;
      });
      await this.#deleteSnapshot(snapshot.id);
    }
  }

  /** Nova cannot quiesce a guest in the moment in which it is frozen for a point: it is asked once more. */
  async #image(id: InstanceId, name: string): Promise<void> {
    const body = { createImage: { name } };
    try {
      await this.#post("compute", `/servers/${id}/action`, body, NOVA);
    } catch (cause) {
      // All that Nova says is that its driver failed.
      if (!String(cause).includes(": 500 ")) throw cause;
      await systemClock.sleep(FREEZE_MS, this.#signal);
      await this.#idle(id);
      await this.#post("compute", `/servers/${id}/action`, body, NOVA);
    }
  }

  async attach(id: InstanceId, volumeId: VolumeId): Promise<void> {
    await this.#cloud.nova.volumeAttachments.attach(id, { volumeId }, this.#signal);
    await this.#whenVolume(volumeId, (volume) => volume.status === "in-use");
    await this.#idle(id);
  }

  /** QEMU refuses while a job reads the disk, and the volume is in use again: then it is asked once more. */
  async detach(id: InstanceId, volumeId: VolumeId): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      await this.#cloud.nova.volumeAttachments.detach(id, volumeId, this.#signal);
      await this.#whenVolume(volumeId, (volume) => volume.status !== "detaching");
      const { status } = await this.#cloud.cinder.volumes.get(volumeId, this.#signal);
      if (status === "available") return this.#idle(id);
      if (tries === DETACH_TRIES)
        throw new Error(`volume ${volumeId} is ${status} after ${tries} detachings`);
      await systemClock.sleep(DETACH_PAUSE_MS, this.#signal);
    }
  }

  async extend(volumeId: VolumeId, sizeGiB: number): Promise<void> {
    const action = { "os-extend": { new_size: sizeGiB } };
    await this.#post("volume", `/volumes/${volumeId}/action`, action, CINDER);
    await this.#whenVolume(volumeId, (volume) => volume.status === "in-use" && volume.sizeGiB === sizeGiB);
  }

  /** Makes a snapshot of Cinder's of a volume in use, and deletes it. */
  async snapshotAndDelete(volumeId: VolumeId, name: string): Promise<void> {
    const { snapshots } = this.#cloud.cinder;
    const made = await snapshots.create({ volumeId, name }, this.#signal);
    await this.#whenSnapshot(made.id);
    await this.#deleteSnapshot(made.id);
  }

  /** Nova's image of an instance is there before Cinder has made the volumes' snapshots. */
  async #whenSnapshot(id: string): Promise<void> {
    await this.#look(`snapshot ${id}`, async () => {
      const found = await this.#cloud.cinder.snapshots.find(id, this.#signal);
      if (found?.status === "error") throw new Error(`Cinder's snapshot ${id} failed`);
      return found?.status === "available" ? true : undefined;
    });
  }

  /**
   * After libvirt was away Nova connects again only when it needs to, and what it was asked then fails: its
   * mounts come back a moment after the connection (nova/virt/libvirt/driver.py, `_handle_conn_event`). So
   * something harmless is asked of an instance until the compute service is enabled again.
   */
  async computeIsBack(admin: Cloud, id: InstanceId): Promise<void> {
    const signal = this.#signal;
    const body = { "os-getConsoleOutput": { length: 1 } };
    await this.#look("Nova's connection to libvirt", async () => {
      await ask(this.#cloud, "compute", `/servers/${id}/action`, { body, version: NOVA, signal });
      const reply = await ask(admin, "compute", "/os-services?binary=nova-compute", { signal });
      const { services } = (await reply.json()) as { services: readonly { status: string }[] };
      return services.every(({ status }) => status === "enabled") ? true : undefined;
    });
  }

  async #deleteSnapshot(id: string): Promise<void> {
    const { snapshots } = this.#cloud.cinder;
    await snapshots.delete(id, this.#signal);
    await this.#look(`the end of snapshot ${id}`, async () =>
      (await snapshots.find(id, this.#signal)) === undefined ? true : undefined,
    );
  }

  async #idle(id: InstanceId): Promise<void> {
    await this.#look(`the end of instance ${id}'s task`, async () => {
      const server = await this.#cloud.nova.servers.get(id, this.#signal);
      return server.taskState === undefined ? true : undefined;
    });
  }

  async #whenVolume(id: VolumeId, isSo: (volume: Volume) => boolean): Promise<void> {
    await this.#look(`volume ${id}`, async () => {
      const volume = await this.#cloud.cinder.volumes.get(id, this.#signal);
      if (volume.status.startsWith("error")) throw new Error(`volume ${id} is in ${volume.status}`);
      return isSo(volume) ? true : undefined;
    });
  }

  async #look<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
    return until(what, WITHIN_MS, async () => {
      const found = await look();
      if (found === undefined) await systemClock.sleep(LOOK_MS, this.#signal);
      return found;
    });
  }

  async #post(service: Service, path: string, body: object, version: Headers): Promise<void> {
    const reply = await ask(this.#cloud, service, path, { body, version, signal: this.#signal });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`POST ${path} ${JSON.stringify(body)}: ${reply.status} ${text}`);
  }
}

type Service = "compute" | "volume";
type Headers = Readonly<Record<string, string>>;

/** POST with a body, GET without. */
async function ask(
  cloud: Cloud,
  service: Service,
  path: string,
  { body, version = {}, signal }: { body?: object; version?: Headers; signal: AbortSignal },
): Promise<Response> {
  const [endpoint, token] = [await cloud.endpoint(service), await cloud.token()];
  return fetch(`${endpoint}${path}`, {
    method: body === undefined ? "GET" : "POST",
    signal,
    headers: { "content-type": "application/json", "x-auth-token": token.value.reveal(), ...version },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
