import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "@cairn/kernel";
import { writeWhole } from "./disk.ts";
import { MACHINE_ENVIRONMENT } from "./environment.ts";
import { runCommand } from "./run-command.ts";
import type { Profile } from "./settings.ts";

/**
 * nova-compute-kvm and not -qemu: the latter brings thirty emulators, and libvirt asks each of them what it
 * can (55 s). It works without KVM as well.
 */
const PACKAGES: readonly string[] = [
  "mariadb-server",
  "rabbitmq-server",
  "memcached",
  "iproute2",
  "util-linux",
  "uwsgi-plugin-python3",
  "keystone",
  "glance-api",
  "placement-api",
  "nova-api",
  "nova-conductor",
  "nova-scheduler",
  "nova-compute",
  "nova-compute-kvm",
  "neutron-server",
  "neutron-linuxbridge-agent",
  "neutron-dhcp-agent",
  "neutron-l3-agent",
  "neutron-metadata-agent",
  "cinder-api",
  "cinder-scheduler",
  "cinder-volume",
  "python3-openstackclient",
  "libvirt-daemon-system",
  "libvirt-clients",
  "qemu-system-x86",
  "qemu-utils",
  "libnbd-bin",
  "nftables",
  "mmdebstrap",
  "e2fsprogs",
  "fdisk",
  "kmod",
  "extlinux",
  "syslinux-common",
  "cpio",
  "openssl",
  // Nova makes config drives with it.
  "genisoimage",
];
const PACKAGES_OF_FULL: readonly string[] = [
  "ceph-mon",
  "ceph-mgr",
  "ceph-osd",
  "ceph-common",
  "radosgw",
  "python3-rbd",
  "python3-rados",
  "qemu-block-extra",
  "openstack-dashboard",
];

/** The series that the configuration is written for: Zed of Debian 12. */
export const SERIES: Readonly<Record<string, string>> = {
  keystone: "22.",
  "nova-api": "26.",
  "cinder-api": "21.",
  "neutron-server": "21.",
  "glance-api": "25.",
  "placement-api": "8.",
};

/** Debian's packages must not set up databases and endpoints of their own. */
const ANSWERS: readonly string[] = [
  "keystone keystone/configure_db boolean false",
  "keystone keystone/create-admin-tenant boolean false",
  "keystone keystone/register-endpoint boolean false",
  "glance-common glance/configure_db boolean false",
  "glance-api glance/register-endpoint boolean false",
  "placement-common placement/configure_db boolean false",
  "placement-api placement/register-endpoint boolean false",
  "nova-common nova/configure_db boolean false",
  "nova-api nova/register-endpoint boolean false",
  "neutron-common neutron/configure_db boolean false",
  "neutron-api neutron/register-endpoint boolean false",
  "cinder-common cinder/configure_db boolean false",
  "cinder-api cinder/register-endpoint boolean false",
  "openstack-dashboard horizon/activate_vhost boolean false",
  "openstack-dashboard-apache horizon/activate_vhost boolean false",
];

const POLICY_FILE = "/usr/sbin/policy-rc.d";
/** Exit code 101 of a policy: no service may be started (invoke-rc.d). */
const POLICY = "#!/bin/sh\nexit 101\n";

/**
 * Each of three hundred Python packages would compile itself, one after the other, its tests too. They find
 * this in place of their compiler, and all is compiled at the end by all processors.
 */
const NO_COMPILER = "#!/bin/sh\nexit 0\n";
const COMPILE = [
  ..."python3 -W ignore -m compileall -q -j 0 -x".split(" "),
  "/(tests?|testing|mypy|mypyc|sphinx|numpy|pip)/",
  "/usr/lib/python3/dist-packages",
];

const QUESTION_DEADLINE_MS = 60_000;
const INSTALL_DEADLINE_MS = 30 * 60_000;
const APT = "apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3".split(" ");

/** Configuration that a person changed stays; no fsync for each of ten thousand files. */
const HOW = ["--force-confold", "--force-unsafe-io"].flatMap((each) => ["-o", `Dpkg::Options::=${each}`]);

export function packagesOf(profile: Profile): readonly string[] {
  return profile === "full" ? [...PACKAGES, ...PACKAGES_OF_FULL] : PACKAGES;
}

/** From `dpkg-query -W` with the format `NAME STATUS VERSION`: the versions of what is installed. */
export function parseInstalled(text: string): ReadonlyMap<string, string> {
  const rows = text.split("\n").map((line) => line.split("\t"));
  return new Map(
    rows.flatMap(([name, status, version]) =>
      name !== undefined && status === "installed" && version !== undefined ? [[name, version]] : [],
    ),
  );
}

/** Packages of another series than the one that this room is written for, each as a sentence. */
export function wrongSeries(installed: ReadonlyMap<string, string>): string[] {
  return Object.entries(SERIES).flatMap(([name, series]) => {
    const version = installed.get(name)?.replace(/^\d+:/, "");
    if (version === undefined || version.startsWith(series)) return [];
    return [`${name} is ${version}, and the configuration is for ${series}x`];
  });
}

export interface Installing {
  readonly profile: Profile;
  readonly logFile: string;
  readonly proxies: Readonly<Record<string, string>>;
  readonly onMissing: (packages: readonly string[]) => void;
}

/**
 * Installs what is missing and says whether anything was; nothing is started by it. Fault `packages-missing`
 * when that fails.
 */
export async function installPackages(installing: Installing, signal: AbortSignal): Promise<boolean> {
  const wanted = packagesOf(installing.profile);
  const before = await installedPackages(signal);
  const missing = wanted.filter((name) => !before.has(name));
  if (missing.length > 0) {
    installing.onMissing(missing);
    await install(missing, installing, signal);
  }
  const wrong = wrongSeries(missing.length === 0 ? before : await installedPackages(signal));
  if (wrong.length > 0) {
    throw new Fault("packages-unfit", `using Debian's packages: ${wrong.join("; ")}`, "after-operator");
  }
  return missing.length > 0;
}

/** What is installed on this machine, with the versions. */
export async function installedPackages(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const fields = ["Package", "db:Status-Status", "Version"].map((field) => `\${${field}}`);
  const format = `${fields.join("\\t")}\\n`;
  const options = { environment: MACHINE_ENVIRONMENT, deadlineMs: QUESTION_DEADLINE_MS, signal };
  return parseInstalled(await runCommand(["dpkg-query", "-W", "-f", format], options));
}

async function install(
  missing: readonly string[],
  { logFile, proxies }: Installing,
  signal: AbortSignal,
): Promise<void> {
  const options = {
    environment: { ...MACHINE_ENVIRONMENT, ...proxies },
    deadlineMs: INSTALL_DEADLINE_MS,
    signal,
    logFile,
  };
  const policyWasThere = existsSync(POLICY_FILE);
  const standIns = mkdtempSync(join(tmpdir(), "cairn-apt-"));
  // apt gives the packages' scripts a PATH of its own.
  const path = `DPkg::Path=${standIns}:${MACHINE_ENVIRONMENT["PATH"] ?? ""}`;
  try {
    writeWhole(join(standIns, "py3compile"), NO_COMPILER, 0o755);
    if (!policyWasThere) writeWhole(POLICY_FILE, POLICY, 0o755);
    await runCommand(["debconf-set-selections"], { ...options, input: ANSWERS.join("\n") });
    await runCommand([...APT, "update"], options);
    const how = [...HOW, "-o", path];
    await runCommand([...APT, ...how, "install", "--no-install-recommends", ...missing], options);
    // What cannot be compiled, such as templates, is not an error: Python compiles what it needs anyway.
    await runCommand(["sh", "-c", '"$@" || :', "compile", ...COMPILE], options);
  } catch (cause) {
    const line = `apt-get install --no-install-recommends ${missing.join(" ")}`;
    const message = `installing Debian's packages (see ${logFile}); by hand: ${line}`;
    throw new Fault("packages-missing", message, "after-operator", cause);
  } finally {
    if (!policyWasThere) rmSync(POLICY_FILE, { force: true });
    rmSync(standIns, { recursive: true, force: true });
  }
}
