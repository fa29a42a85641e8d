import { appendFileSync, chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Cloud, everyTimeTask, onceTask, type Run } from "./cloud.ts";
import { exportFolder } from "./config/cinder.ts";
import { attachedVolumesFolder } from "./config/nova.ts";
import { makeFolders, readIfThere, writeWhole } from "./disk.ts";
import { isMountPoint } from "./mounts.ts";
import { NETWORKS, type Settings } from "./settings.ts";
import type { Task } from "./task.ts";

/** Sparse; what tests fill of it takes room. */
const SHARE_SIZE = "12G";

/** libvirt's system instance works in these and cannot be told others. */
const LIBVIRT_FOLDERS = [
  "/etc/libvirt",
  "/var/lib/libvirt/qemu",
  "/var/cache/libvirt",
  "/var/log/libvirt",
  "/run/libvirt",
];
const QEMU_SETTINGS = "/etc/libvirt/qemu.conf";
const SECRETS_OF_LIBVIRT = "virsh -c qemu:///system".split(" ");

/** What is made on the machine itself: bridges, the share's file system, libvirt's settings. */
export function machineTasks(cloud: Cloud): Task[] {
  const { settings } = cloud;
  const tasks = [
    everyTimeTask(cloud, { name: "bridges", after: [] }, async (run) => makeBridges(cloud, run)),
    onceTask(cloud, { name: "volume-folders", after: [] }, async () => {
      makeFolders(serviceFolders(settings.layout.data));
      await Promise.resolve();
    }),
    everyTimeTask(cloud, { name: "volume-share", after: ["volume-folders"] }, async (run) =>
      mountShare(settings, run),
    ),
    everyTimeTask(cloud, { name: "shared-mounts", after: ["volume-folders"] }, async (run) =>
      shareMounts(attachedVolumesFolder(settings), run),
    ),
    onceTask(cloud, { name: "libvirt-settings", after: [] }, async () => {
      for (const folder of LIBVIRT_FOLDERS) cloud.journal.keepPath(folder);
      // Guests write their consoles themselves: no virtlogd that would have to run beside libvirtd.
      if (!/^stdio_handler/m.test(readIfThere(QEMU_SETTINGS) ?? "")) {
        appendFileSync(QEMU_SETTINGS, 'stdio_handler = "file"\n');
      }
      await Promise.resolve();
    }),
  ];
  if (settings.profile === "light") return tasks;
  return [
    ...tasks,
    onceTask(cloud, { name: "dashboard-files", after: [] }, async () => {
      // Debian's settings, which ours are made of, write a key there when they are first loaded.
      cloud.journal.keepPath("/var/lib/openstack-dashboard/secret-key");
      await Promise.resolve();
    }),
    everyTimeTask(cloud, { name: "libvirt-secret", after: ["libvirtd", "ceph-pools"] }, async (run) => {
      if (await isSecretKnown(settings, run)) return "already";
      await defineSecret(settings, run);
      return "done";
    }),
  ];
}

function serviceFolders(data: string): string[] {
  const names = [
    ...["fernet-keys", "receipt-keys", "credential-keys"].map((each) => `keystone/${each}`),
    ...["images", "staging", "tasks", "lock"].map((each) => `glance/${each}`),
    ...["lock", "mnt"].map((each) => `cinder/${each}`),
    "neutron/lock",
    ...["instances", "lock", "mnt"].map((each) => `nova/${each}`),
  ];
  return names.map((name) => join(data, name));
}

async function makeBridges({ journal }: Cloud, run: Run): Promise<"done" | "already"> {
  const { external, tunnel } = NETWORKS;
  journal.setKernel("/proc/sys/net/ipv4/ip_forward", "1");
  // Where the kernel has br_netfilter: security groups act on bridged packets only with it.
  journal.setKernel("/proc/sys/net/bridge/bridge-nf-call-iptables", "1");
  journal.keepPath("/run/netns");
  const isThere = (name: string): boolean => existsSync(`/sys/class/net/${name}`);
  if (isThere(external.bridge) && isThere(tunnel.device)) return "already";
  const ip = async (words: string): Promise<string> => run(["ip", ...words.split(" ")]);
  if (!isThere(external.bridge)) {
    await ip(`link add ${external.bridge} type bridge`);
    await ip(`addr add ${external.gateway}/24 dev ${external.bridge}`);
  }
  await ip(`link set ${external.bridge} up`);
  if (!isThere(tunnel.device)) {
    await ip(`link add ${tunnel.device} type veth peer name ${tunnel.peer}`);
    await ip(`addr add ${tunnel.address}/30 dev ${tunnel.device}`);
  }
  await ip(`link set ${tunnel.device} up`);
  await ip(`link set ${tunnel.peer} up`);
  return "done";
}

/**
 * A file system of its own: for a bind mount within one device Nova's question whether the share is mounted
 * (os.path.ismount) is answered with no, and it would be mounted again with each attachment.
 */
async function mountShare(settings: Settings, run: Run): Promise<"done" | "already"> {
  const folder = exportFolder(settings);
  const image = join(settings.layout.data, "nfs.img");
  if (isMountPoint(folder)) return "already";
  makeFolders([folder]);
  if (!existsSync(image)) {
    const next = `${image}.next`;
    await run(["truncate", "-s", SHARE_SIZE, next]);
    await run(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", next]);
    await run(["mv", next, image]);
  }
  await run(["mount", "-o", "loop,noatime", image, folder]);
  chmodSync(folder, 0o777);
  return "done";
}

/**
 * Guests see what Nova mounts here after they have started: libvirt gives each a mount namespace that only
 * follows mounts that are shared. systemd shares all of them, and here nobody may.
 */
async function shareMounts(folder: string, run: Run): Promise<"done" | "already"> {
  if (isMountPoint(folder)) return "already";
  await run(["mount", "--bind", "--make-shared", folder, folder]);
  return "done";
}

async function isSecretKnown({ cephSecretId }: Settings, run: Run): Promise<boolean> {
  const listed = await run([...SECRETS_OF_LIBVIRT, "secret-list"]);
  return listed.includes(cephSecretId) && existsSync(`/etc/libvirt/secrets/${cephSecretId}.base64`);
}

/** Ceph's key of the user `cinder`, for the disks that QEMU opens. By files: arguments can be seen by all. */
async function defineSecret({ layout, cephSecretId }: Settings, run: Run): Promise<void> {
  const description = join(layout.run, "secret.xml");
  const keyFile = join(layout.run, "secret.key");
  const keyring = join(layout.data, "ceph/ceph.client.cinder.keyring");
  const xml = `<secret ephemeral="no" private="no"><uuid>${cephSecretId}</uuid>
    <usage type="ceph"><name>client.cinder secret</name></usage></secret>`;
  writeWhole(description, xml, 0o600);
  await run([...SECRETS_OF_LIBVIRT, "secret-define", description]);
  const key = /key = (\S+)/.exec(readIfThere(keyring) ?? "")?.[1] ?? "";
  writeWhole(keyFile, key, 0o600);
  try {
    await run([...SECRETS_OF_LIBVIRT, "secret-set-value", cephSecretId, "--file", keyFile]);
  } finally {
    rmSync(keyFile, { force: true });
  }
}
