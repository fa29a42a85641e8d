import { Fault } from "@cairn/kernel";

/**
 * Identity of a disk's whole content, quick on sparse disks: SHA-256 over the blocks that are not zero, with
 * their offsets.
 */
export interface DiskDigest {
  readonly size_bytes: number;
  readonly digest: string;
  readonly data_bytes: number;
}

/** What a hypervisor would tell of an instance. */
export interface SandboxDomain {
  readonly uuid: string;
  readonly name: string;
  readonly state: "running" | "shutoff";
  readonly host: string;
  readonly disks: readonly {
    readonly device: string;
    readonly serial?: string;
    readonly path: string;
    readonly format: string;
  }[];
}

/** Block nodes, bitmaps, jobs and exports of an instance, for finding leftovers. */
export interface SandboxNodes {
  readonly nodes: readonly string[];
  readonly bitmaps: readonly {
    readonly node: string;
    readonly name: string;
    readonly inconsistent?: boolean;
  }[];
  readonly jobs: readonly unknown[];
  readonly exports: readonly unknown[];
}

type Row = Readonly<Record<string, unknown>> & { readonly id: string };

/** The sandbox's inventory: rows by kind. */
export type SandboxState = Readonly<Record<string, readonly Row[]>>;

export interface SandboxFault {
  readonly service?: string;
  readonly method?: string;
  /** A regular expression on the path. */
  readonly path?: string;
  readonly times?: number;
  readonly after?: number;
  readonly effect: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 120_000;

/** The sandbox's hooks for demos and tests: a guest's writes, what a disk holds, what is left, faults. */
export class SandboxHooks {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async write(instanceId: string, device: string, offset: number, bytes: Uint8Array): Promise<void> {
    await this.#ask("POST", `/instances/${instanceId}/disks/${device}/write?offset=${String(offset)}`, bytes);
  }

  async zero(instanceId: string, device: string, offset: number, length: number): Promise<void> {
    const range = `offset=${String(offset)}&length=${String(length)}`;
    await this.#ask("POST", `/instances/${instanceId}/disks/${device}/zero?${range}`);
  }

  async digest(instanceId: string, device: string): Promise<DiskDigest> {
    return this.#json(`/instances/${instanceId}/disks/${device}/digest`);
  }

  async volumeDigest(volumeId: string): Promise<DiskDigest> {
    return this.#json(`/volumes/${volumeId}/digest`);
  }

  async read(instanceId: string, device: string, offset: number, length: number): Promise<Buffer> {
    const range = `offset=${String(offset)}&length=${String(length)}`;
    const reply = await this.#ask("GET", `/instances/${instanceId}/disks/${device}/read?${range}`);
    return Buffer.from(await reply.arrayBuffer());
  }

  async domain(instanceId: string): Promise<SandboxDomain> {
    return this.#json(`/instances/${instanceId}`);
  }

  async nodes(instanceId: string): Promise<SandboxNodes> {
    return this.#json(`/instances/${instanceId}/nodes`);
  }

  async state(): Promise<SandboxState> {
    return this.#json("/state");
  }

  async killQemu(instanceId: string): Promise<void> {
    await this.#ask("POST", `/instances/${instanceId}/kill-qemu`);
  }

  async vanishHost(host: string): Promise<void> {
    await this.#ask("POST", `/hosts/${host}/vanish`);
  }

  async returnHost(host: string): Promise<void> {
    await this.#ask("POST", `/hosts/${host}/return`);
  }

  async addFault(fault: SandboxFault): Promise<void> {
    await this.#ask("POST", "/faults", fault);
  }

  async clearFaults(): Promise<void> {
    await this.#ask("DELETE", "/faults");
  }

  async setQuota(projectId: string, quota: Readonly<Record<string, number>>): Promise<void> {
    await this.#ask("PUT", `/quotas/${projectId}`, quota);
  }

  /** How often each fault was met. */
  async faultHits(): Promise<readonly number[]> {
    const { faults } = await this.#json<{ faults: readonly { hits: number }[] }>("/faults");
    return faults.map(({ hits }) => hits);
  }

  /** Makes every token of a user worthless, as when its time is over. */
  async expireTokens(user: string): Promise<void> {
    await this.#ask("POST", "/tokens/expire", { user });
  }

  /** What a host has in all: `vcpus`, `memory_mb`, `local_gb`. */
  async setHostCapacity(host: string, capacity: Readonly<Record<string, number>>): Promise<void> {
    await this.#ask("PUT", `/hosts/${host}/capacity`, capacity);
  }

  /** What Cinder says that its storage has in all. */
  async setStorage(totalGiB: number): Promise<void> {
    await this.#ask("PUT", "/storage", { total_gib: totalGiB });
  }

  async #json<Reply>(path: string): Promise<Reply> {
    const reply = await this.#ask("GET", path);
    return (await reply.json()) as Reply;
  }

  async #ask(method: string, path: string, body?: unknown): Promise<Response> {
    const bytes = body instanceof Uint8Array;
    const reply = await fetch(`${this.#url}/sandbox${path}`, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined
        ? {}
        : {
            body: bytes ? Buffer.from(body) : JSON.stringify(body),
            headers: { "content-type": bytes ? "application/octet-stream" : "application/json" },
          }),
    });
    if (reply.ok) return reply;
    const text = (await reply.text()).slice(0, 300);
    throw new Fault("sandbox-refused", `${method} ${path}: HTTP ${String(reply.status)} ${text}`, "never");
  }
}
