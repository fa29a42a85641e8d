import {
  boolean,
  databaseSettings,
  integer,
  keySettings,
  keystoneSettings,
  optional,
  path,
  secret,
  text,
} from "@cairn/service";
import { targetSettings } from "./target-settings.ts";

/** Which cloud this is: for all programs that read or write who owns what on a target. */
export const cloudSettings = {
  id: optional(
    text({
      help: "what snapshots call this cloud; the service user's id unless given. Never change it again",
    }),
  ),
} as const;

/** Settings of cairn-engine. */
export const engineSpec = {
  cloud: cloudSettings,
  database: databaseSettings,
  keystone: keystoneSettings,
  keys: keySettings,
  target: {
    ...targetSettings,
    lookSeconds: integer({ min: 1, max: 3_600, default: 60, help: "how often to look at each target" }),
  },
  engine: {
    host: text({ default: "", help: "the node's name in lists; the machine's name unless told" }),
    runsMax: integer({ min: 1, max: 64, default: 8, help: "runs worked on at once" }),
    leaseMs: integer({
      min: 2_000,
      max: 60_000,
      default: 12_000,
      help: "how long a run stays with an engine that gives no sign of life",
    }),
    escrowPublicKey: text({
      default: "",
      help: "base64 of the escrow's public key, as `cairn repo key escrow-create` prints it",
    }),
    withoutEscrow: boolean({
      default: false,
      help: "new repositories may be without an escrow: who loses the key file loses all backups",
    }),
    barbicanKeys: boolean({
      default: false,
      help: "each project's repository also opens with a Barbican secret of the project",
    }),
  },
  scheduler: {
    lookMs: integer({
      min: 100,
      max: 60_000,
      default: 1_000,
      help: "how often to look whether a run is due",
    }),
    graceSeconds: integer({
      min: 1,
      max: 86_400,
      default: 600,
      help: "a scheduled run that could not start for so long is skipped",
    }),
  },
  maintenance: {
    lookSeconds: integer({ min: 1, max: 3_600, default: 30, help: "how often to look whether work is due" }),
    sweepHours: integer({ min: 1, max: 720, default: 24, help: "hours between two sweeps of a repository" }),
    scrubDays: integer({
      min: 1,
      max: 365,
      default: 30,
      help: "every byte is read again within so many days",
    }),
    scrubMibPerSecond: integer({ min: 1, max: 100_000, default: 20, help: "what scrubbing may read" }),
    lockDays: integer({
      min: 1,
      max: 3_650,
      default: 14,
      help: "what is in use stays locked at least so long, on targets that lock objects",
    }),
    mirrorMinutes: integer({
      min: 1,
      max: 10_080,
      default: 60,
      help: "how often to look whether a target's mirror lacks anything",
    }),
    mirrorMibPerSecond: integer({ min: 1, max: 100_000, default: 100, help: "what mirroring may read" }),
  },
  files: {
    processTimeout: integer({
      min: 10,
      max: 3_600,
      default: 300,
      help: "seconds that a search for files, a listing or a download may take",
    }),
    lanes: integer({ min: 0, max: 16, default: 2, help: "searches and readings of files at once; 0: none" }),
    hitsMax: integer({ min: 1, max: 100_000, default: 10_000, help: "files that one search tells at most" }),
    kernelRoot: path({
      default: "/",
      help: "below it are boot/vmlinuz-* and lib/modules of the kernel that reads tenants' file systems",
    }),
    accelerators: text({ default: "kvm,tcg", help: "how QEMU runs it, best first" }),
  },
  notifications: {
    transportUrl: optional(
      secret({
        help: "the message bus as nova.conf has it, rabbit://…: backups make way for Nova's operations",
      }),
    ),
    novaExchange: text({ default: "nova", help: "control_exchange of nova.conf" }),
    cinderExchange: text({ default: "openstack", help: "control_exchange of cinder.conf" }),
  },
  notify: {
    lookMs: integer({
      min: 100,
      max: 60_000,
      default: 1_000,
      help: "how often to look whether a mail or webhook is due",
    }),
    allowedNetworks: text({
      default: "none",
      help: "networks beyond the internet that projects' webhooks and mail servers may be in, with commas",
    }),
    allowedHosts: text({
      default: "none",
      help: "names of hosts that projects may send to, whatever their addresses, with commas",
    }),
    caFile: path({
      default: "",
      help: "certificates of further authorities that mail servers' and webhooks' are signed by",
    }),
  },
  status: {
    listenHost: text({ default: "127.0.0.1" }),
    listenPort: integer({ min: 0, max: 65_535, default: 0, help: "0: any free port" }),
  },
} as const;
