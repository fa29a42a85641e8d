import { Fault, systemClock } from "@cairn/kernel";
import { connectLibvirt, type DomainRef, type LibvirtClient } from "@cairn/libvirt";

const CALL_MS = 30_000;
const AGENT_S = 10;
const POLL_MS = 200;

/** What runs inside an instance, reached through its agent (qemu-ga): no network, no password. */
export interface Guest {
  /**
   * Runs a script by the guest's `/bin/sh` as root; gives what it printed. Fault `guest-failed` otherwise.
   */
  run(script: string, signal: AbortSignal): Promise<string>;
}

/** The guests of a host. */
export interface Guests extends Disposable {
  /** The guest of an instance, once its agent answers; waits `withinMs` for that. */
  of(instanceId: string, limits: { readonly withinMs: number; readonly signal: AbortSignal }): Promise<Guest>;
}

/** Connects to a host's libvirt. The caller disposes of it. */
export async function openGuests(socket: string, signal: AbortSignal): Promise<Guests> {
  const libvirt = await connectLibvirt({ socket, uri: "qemu:///system", timeoutMs: CALL_MS, signal });
  return {
    of: async (instanceId, limits) => {
      const domain = await libvirt.findDomain(instanceId, { signal: limits.signal });
      if (domain === undefined) throw new Fault("guest-unknown", `finding ${instanceId} in libvirt`, "never");
      await answering(libvirt, domain, limits);
      return { run: async (script, until) => runScript(libvirt, domain, { script, signal: until }) };
    },
    [Symbol.dispose]: () => libvirt.close(),
  };
}

async function answering(
  libvirt: LibvirtClient,
  domain: DomainRef,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = systemClock.now() + withinMs;
  for (;;) {
    try {
      await ask(libvirt, domain, "guest-ping", {});
      return;
    } catch (cause) {
      if (systemClock.now() > deadlineMs) {
        throw new Fault("guest-silent", `waiting for the agent of ${domain.name}`, "later", cause);
      }
    }
    await systemClock.sleep(POLL_MS, signal);
  }
}

async function runScript(
  libvirt: LibvirtClient,
  domain: DomainRef,
  { script, signal }: { readonly script: string; readonly signal: AbortSignal },
): Promise<string> {
  const how = { path: "/bin/sh", arg: ["-c", script], "capture-output": true };
  const started = await ask<{ readonly pid: number }>(libvirt, domain, "guest-exec", how);
  for (;;) {
    const status = await ask<ExecStatus>(libvirt, domain, "guest-exec-status", { pid: started.pid });
    if (status.exited) return outputOf(status, script);
    await systemClock.sleep(POLL_MS, signal);
  }
}

/** Answer to `guest-exec-status` (QEMU, qga/qapi-schema.json). */
interface ExecStatus {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly "out-data"?: string;
  readonly "err-data"?: string;
}

function outputOf(status: ExecStatus, script: string): string {
  const text = (data: string | undefined): string => Buffer.from(data ?? "", "base64").toString("utf8");
  if (status.exitcode === 0) return text(status["out-data"]);
  const code = String(status.exitcode ?? "none");
  const message = `running "${script}" in the guest ended with ${code}: ${text(status["err-data"]).trim()}`;
  throw new Fault("guest-failed", message, "never");
}

async function ask<Answer>(
  libvirt: LibvirtClient,
  domain: DomainRef,
  execute: string,
  parameters: object,
): Promise<Answer> {
  const line = JSON.stringify({ execute, arguments: parameters });
  const answer = await libvirt.agentCommand(domain, { line, timeoutS: AGENT_S });
  return (JSON.parse(answer) as { readonly return: Answer }).return;
}
