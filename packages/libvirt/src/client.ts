import { Fault } from "@cairn/kernel";
import { type CallOptions, Connection, type LibvirtAddress } from "./connection.ts";
import {
  type DomainRef,
  type DomainState,
  type ParameterValue,
  putDomain,
  stateOf,
  takeDomain,
  takeParameters,
  uuidBytes,
} from "./domain.ts";
import type { DomainEvent } from "./events.ts";
import { isLibvirtRefusal } from "./faults.ts";
import { EVENT_IDS, type EventKind, FEATURE_KEEPALIVE, QEMU, REMOTE } from "./procedures.ts";
import { XdrReader, XdrWriter } from "./xdr.ts";

/** `remote_auth_type`; SASL is for connections over a network. */
const AUTH = { none: 0, polkit: 2 } as const;
/** `VIR_DOMAIN_JOB_NONE`. */
const JOB_NONE = 0;
const START_PAUSED = 1;
const XML_INACTIVE = 2;
const BACKUP_REUSES_FILES = 1;
const CHECKPOINT_METADATA_ONLY = 2;
const CHECKPOINT_REDEFINE_VALIDATE = 1 | 4;
/** The agent's answer has a limit in the daemon; ours is so much longer. */
const AGENT_GRACE_MS = 2_000;

/** A checkpoint as libvirt lists it. */
export interface CheckpointRef {
  readonly name: string;
  readonly domain: DomainRef;
}

/** The job that a domain has, and what libvirt counts of it. */
export interface JobStatistics {
  readonly isRunning: boolean;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
}

/**
 * Connects, proves who we are (polkit looks at the socket), opens the driver. The caller closes the client.
 */
export async function connectLibvirt(address: LibvirtAddress): Promise<LibvirtClient> {
  address.signal?.throwIfAborted();
  const client = new LibvirtClient(address);
  try {
    await client.open(address.uri, address.signal);
  } catch (cause) {
    client.close();
    address.signal?.throwIfAborted();
    const retry = isLibvirtRefusal(cause, "authFailed", "authUnavailable") ? "after-operator" : "later";
    throw new Fault("libvirt-unreachable", `connecting to libvirt at ${address.socket}`, retry, cause);
  }
  return client;
}

type Put = (writer: XdrWriter) => XdrWriter;
const nothing: Put = (writer) => writer;

/** What Cairn asks of libvirt, each call by the name of libvirt's own function. Use `connectLibvirt`. */
export class LibvirtClient implements Disposable {
  readonly #connection: Connection;

  constructor(address: LibvirtAddress) {
    this.#connection = new Connection(address);
  }

  /** Resolves with the reason once the connection has ended, also after `close`. */
  get closed(): Promise<Fault> {
    return this.#connection.closed;
  }

  /** Called once, by `connectLibvirt`. */
  async open(uri: string, signal: AbortSignal | undefined): Promise<void> {
    const options = { signal };
    await this.#authenticate(options);
    await this.#remote("connectOpen", (to) => to.optional(uri, (name) => to.text(name)).uint(0), options);
    const keepsAlive = await this.#remote(
      "connectSupportsFeature",
      (to) => to.int(FEATURE_KEEPALIVE),
      options,
    );
    if (keepsAlive.int() === 1) this.#connection.startKeepalive();
  }

  /** The daemon's version, such as `9.0.0`. */
  async libraryVersion(options?: CallOptions): Promise<string> {
    return versionText((await this.#remote("connectGetLibVersion", nothing, options)).ulong());
  }

  /** The version of QEMU that the daemon starts domains with. */
  async hypervisorVersion(options?: CallOptions): Promise<string> {
    return versionText((await this.#remote("connectGetVersion", nothing, options)).ulong());
  }

  async hostname(options?: CallOptions): Promise<string> {
    return (await this.#remote("connectGetHostname", nothing, options)).text();
  }

  /** All domains, running or not. */
  async listDomains(options?: CallOptions): Promise<readonly DomainRef[]> {
    const answer = await this.#remote("connectListAllDomains", (to) => to.int(1).uint(0), options);
    return answer.list(() => takeDomain(answer));
  }

  /** The domain with this UUID; nothing when the daemon knows none. */
  async findDomain(uuid: string, options?: CallOptions): Promise<DomainRef | undefined> {
    try {
      return takeDomain(await this.#remote("domainLookupByUuid", (to) => to.fixed(uuidBytes(uuid)), options));
    } catch (cause) {
      if (isLibvirtRefusal(cause, "noDomain")) return undefined;
      throw cause;
    }
  }

  /** The domain's description: as it runs, or as it would start next. */
  async domainXml(domain: DomainRef, which: "current" | "inactive", options?: CallOptions): Promise<string> {
    const flags = which === "inactive" ? XML_INACTIVE : 0;
    return (await this.#ofDomain("domainGetXmlDesc", domain, (to) => to.uint(flags), options)).text();
  }

  /** State and its reason; numbers of reasons differ from state to state. */
  async domainState(
    domain: DomainRef,
    options?: CallOptions,
  ): Promise<{ readonly state: DomainState; readonly reason: number }> {
    const answer = await this.#ofDomain("domainGetState", domain, (to) => to.uint(0), options);
    return { state: stateOf(answer.int()), reason: answer.int() };
  }

  /** Makes a paused domain run on. */
  async resumeDomain(domain: DomainRef, options?: CallOptions): Promise<void> {
    await this.#ofDomain("domainResume", domain, nothing, options);
  }

  /** Pauses a domain. */
  async suspendDomain(domain: DomainRef, options?: CallOptions): Promise<void> {
    await this.#ofDomain("domainSuspend", domain, nothing, options);
  }

  /** Defines a persistent domain. */
  async defineDomain(xml: string, options?: CallOptions): Promise<DomainRef> {
    return takeDomain(await this.#remote("domainDefineXml", (to) => to.text(xml), options));
  }

  /** Starts a defined domain, whose guest runs at once or only when it is resumed. */
  async startDomain(domain: DomainRef, how: "running" | "paused", options?: CallOptions): Promise<DomainRef> {
    const flags = how === "paused" ? START_PAUSED : 0;
    return takeDomain(await this.#ofDomain("domainCreateWithFlags", domain, (to) => to.uint(flags), options));
  }

  /** Ends a domain at once. */
  async destroyDomain(domain: DomainRef, options?: CallOptions): Promise<void> {
    await this.#ofDomain("domainDestroy", domain, nothing, options);
  }

  /** Forgets a defined domain; refused while it has checkpoints, as for Nova. */
  async undefineDomain(domain: DomainRef, options?: CallOptions): Promise<void> {
    await this.#ofDomain("domainUndefineFlags", domain, (to) => to.uint(0), options);
  }

  /**
   * Starts a backup job; with a checkpoint, new persistent bitmaps start at the same point. Scratch files are
   * libvirt's to make and to remove, or the caller's (`files: "given"`), which saves several jobs of QEMU's.
   */
  async backupBegin(
    domain: DomainRef,
    job: { readonly backup: string; readonly checkpoint?: string; readonly files?: "given" },
    options?: CallOptions,
  ): Promise<void> {
    const flags = job.files === "given" ? BACKUP_REUSES_FILES : 0;
    const put: Put = (to) =>
      to
        .text(job.backup)
        .optional(job.checkpoint, (text) => to.text(text))
        .uint(flags);
    await this.#ofDomain("domainBackupBegin", domain, put, options);
  }

  /** What the running backup job is; nothing when the domain has none. */
  async backupXml(domain: DomainRef, options?: CallOptions): Promise<string | undefined> {
    try {
      return (await this.#ofDomain("domainBackupGetXmlDesc", domain, (to) => to.uint(0), options)).text();
    } catch (cause) {
      if (isLibvirtRefusal(cause, "noDomainBackup", "operationInvalid")) return undefined;
      throw cause;
    }
  }

  /** Ends the domain's job. libvirt takes it down after it has answered. */
  async abortJob(domain: DomainRef, options?: CallOptions): Promise<void> {
    await this.#ofDomain("domainAbortJob", domain, nothing, options);
  }

  /** Whether a job runs, of any kind: backup, migration, saving. */
  async hasJob(domain: DomainRef, options?: CallOptions): Promise<boolean> {
    return (await this.#ofDomain("domainGetJobInfo", domain, nothing, options)).int() !== JOB_NONE;
  }

  /** The running job's figures. */
  async jobStatistics(domain: DomainRef, options?: CallOptions): Promise<JobStatistics> {
    const answer = await this.#ofDomain("domainGetJobStats", domain, (to) => to.uint(0), options);
    return { isRunning: answer.int() !== JOB_NONE, parameters: takeParameters(answer) };
  }

  /** Wants one event `blockThreshold` when that many bytes of a node's file are in use; `vdb[7]` names it. */
  async setBlockThreshold(
    domain: DomainRef,
    threshold: { readonly device: string; readonly bytes: number },
    options?: CallOptions,
  ): Promise<void> {
    const put: Put = (to) => to.text(threshold.device).ulong(threshold.bytes).uint(0);
    await this.#ofDomain("domainSetBlockThreshold", domain, put, options);
  }

  async listCheckpoints(domain: DomainRef, options?: CallOptions): Promise<readonly CheckpointRef[]> {
    const put: Put = (to) => to.int(1).uint(0);
    const answer = await this.#ofDomain("domainListAllCheckpoints", domain, put, options);
    return answer.list(() => takeCheckpoint(answer));
  }

  /** Tells libvirt of a checkpoint whose bitmaps are in the images already; refused when one is broken. */
  async redefineCheckpoint(domain: DomainRef, xml: string, options?: CallOptions): Promise<CheckpointRef> {
    const put: Put = (to) => to.text(xml).uint(CHECKPOINT_REDEFINE_VALIDATE);
    return takeCheckpoint(await this.#ofDomain("domainCheckpointCreateXml", domain, put, options));
  }

  /**
   * Makes libvirt forget a checkpoint; its bitmaps stay. While libvirt knows one, a domain cannot be
   * undefined, which is how Nova starts, reboots and deletes instances. Absent is forgotten.
   */
  async forgetCheckpoint({ name, domain }: CheckpointRef, options?: CallOptions): Promise<void> {
    try {
      await this.#remote(
        "domainCheckpointDelete",
        (to) => putDomain(to.text(name), domain).uint(CHECKPOINT_METADATA_ONLY),
        options,
      );
    } catch (cause) {
      if (!isLibvirtRefusal(cause, "noDomainCheckpoint")) throw cause;
    }
  }

  /** Freezes all file systems of the guest; gives how many. The agent's own limit is the daemon's. */
  async freezeFileSystems(domain: DomainRef, options?: CallOptions): Promise<number> {
    return (await this.#ofDomain("domainFsfreeze", domain, (to) => to.uint(0).uint(0), options)).int();
  }

  /** Thaws all file systems of the guest; gives how many. */
  async thawFileSystems(domain: DomainRef, options?: CallOptions): Promise<number> {
    return (await this.#ofDomain("domainFsthaw", domain, (to) => to.uint(0).uint(0), options)).int();
  }

  /** A line of QMP to the domain's QEMU; its line of answer, which may be QEMU's refusal. */
  async monitorCommand(domain: DomainRef, line: string, options?: CallOptions): Promise<string> {
    const put: Put = (to) => putDomain(to, domain).text(line).uint(0);
    return (await this.#call("qemu", "domainMonitorCommand", put, options)).text();
  }

  /** A line to the guest agent, and its line of answer. The daemon itself stops waiting after `timeoutS`. */
  async agentCommand(
    domain: DomainRef,
    command: { readonly line: string; readonly timeoutS: number },
    options?: CallOptions,
  ): Promise<string> {
    const put: Put = (to) => putDomain(to, domain).text(command.line).int(command.timeoutS).uint(0);
    const timeoutMs = command.timeoutS * 1000 + AGENT_GRACE_MS;
    const answer = await this.#call("qemu", "domainAgentCommand", put, { timeoutMs, ...options });
    return answer.optional(() => answer.text()) ?? "";
  }

  /** The value of a secret that is not private, such as the key of a Ceph user. */
  async secretValue(uuid: string, options?: CallOptions): Promise<Buffer> {
    const found = await this.#remote("secretLookupByUuid", (to) => to.fixed(uuidBytes(uuid)), options);
    const secret = { uuid: found.fixed(16), usageType: found.int(), usageId: found.text() };
    const put: Put = (to) => to.fixed(secret.uuid).int(secret.usageType).text(secret.usageId).uint(0);
    const answer = await this.#remote("secretGetValue", put, options);
    return Buffer.from(answer.fixed(answer.uint()));
  }

  /**
   * Registers for a kind of event of one domain, or of all. Events come to `listen`; they arrive in the order
   * in which the daemon sent them, before the answers that it sent later.
   */
  async register(kind: EventKind, domain: DomainRef | undefined, options?: CallOptions): Promise<void> {
    const put: Put = (to) => to.int(EVENT_IDS[kind]).optional(domain, (one) => putDomain(to, one));
    await this.#remote("connectDomainEventCallbackRegisterAny", put, options);
  }

  /** Calls `take` for each event that was registered for, until the returned thing is disposed. */
  listen(take: (event: DomainEvent) => void): Disposable {
    return this.#connection.listen(take);
  }

  /** Ends the connection; waiting calls reject. May be called twice. */
  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #authenticate(options: CallOptions): Promise<void> {
    const answer = await this.#remote("authList", nothing, options);
    const ways = answer.list(() => answer.int());
    if (ways.includes(AUTH.none)) return;
    if (!ways.includes(AUTH.polkit)) {
      throw new Fault("libvirt-authentication", "looking for a way to log in without SASL", "after-operator");
    }
    const polkit = await this.#remote("authPolkit", nothing, options);
    if (polkit.int() !== 1) throw new Fault("libvirt-authentication", "asking polkit", "after-operator");
  }

  async #ofDomain(
    name: keyof typeof REMOTE,
    domain: DomainRef,
    put: Put,
    options: CallOptions | undefined,
  ): Promise<XdrReader> {
    return this.#remote(name, (to) => put(putDomain(to, domain)), options);
  }

  async #remote(name: keyof typeof REMOTE, put: Put, options: CallOptions | undefined): Promise<XdrReader> {
    return this.#call("remote", name, put, options);
  }

  async #call(
    program: "remote" | "qemu",
    name: keyof typeof REMOTE | keyof typeof QEMU,
    put: Put,
    options: CallOptions | undefined,
  ): Promise<XdrReader> {
    const procedure = { ...REMOTE, ...QEMU }[name];
    const payload = put(new XdrWriter()).bytes();
    return new XdrReader(await this.#connection.call({ program, procedure, name }, payload, options));
  }
}

function takeCheckpoint(from: XdrReader): CheckpointRef {
  return { name: from.text(), domain: takeDomain(from) };
}

/** libvirt counts 1,000,000 for a major, 1,000 for a minor version. */
function versionText(version: number): string {
  return [Math.floor(version / 1_000_000), Math.floor(version / 1000) % 1000, version % 1000].join(".");
}
