import { describeFault, hasCode } from "@cairn/kernel";
import { isLibvirtRefusal } from "@cairn/libvirt";
import { type Fields, fieldsOf, optionalNumber, optionalText } from "../../host/json.ts";
import type { GuestProgram, GuestRun } from "../port.ts";
import { reasonAgainst } from "./agent.ts";
import type { DriverContext } from "./context.ts";
import type { DescribedDomain } from "./domain-xml.ts";
import { notedFreezes } from "./freeze-note.ts";
import type { DomainHandle } from "./job.ts";
import { payThaw } from "./owed-thaws.ts";

/** The daemon stops waiting for one answer after so many seconds. */
const ANSWER_TIMEOUT_S = 5;
const LOOK_MS = 250;
/** An agent that is restarted, or that somebody else's freeze keeps from answering, has so long. */
const SILENCE_MS = 15_000;

interface Wanted {
  readonly handle: Pick<DomainHandle, "domain"> & {
    readonly client: Pick<DomainHandle["client"], "agentCommand" | "domainState">;
  };
  readonly agent: DescribedDomain["agent"];
  readonly program: GuestProgram;
}

type RunContext = Pick<DriverContext, "clock"> & {
  readonly scratch: Pick<DriverContext["scratch"], "path">;
};

/**
 * Runs a program by the guest's agent (`guest-exec`, QEMU's qga/qapi-schema.json), which is asked for its end
 * again and again. The caller sees to it that no freeze of ours is under way, nor begins; a guest that an
 * earlier one still owes its thaw is thawed first.
 */
export async function runInGuest(
  context: RunContext,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<GuestRun> {
  const { handle, agent, program } = wanted;
  const { state } = await handle.client.domainState(handle.domain, { signal });
  const because = reasonAgainst({ state: agent, isPaused: state === "paused" || state === "pm-suspended" });
  if (because !== undefined) return { kind: "unreachable", because };
  try {
    if (!(await isThawed(context, handle, signal)))
      return { kind: "unreachable", because: "the guest is frozen" };
    const parameters = {
      path: program.path,
      arg: program.words,
      env: Object.entries(program.environment).map(([name, value]) => `${name}=${value}`),
      "input-data": Buffer.from(program.input, "utf8").toString("base64"),
      "capture-output": true,
    };
    const started = await ask(handle, "guest-exec", parameters, signal);
    const pid = optionalNumber(started, "pid");
    if (pid === undefined) return { kind: "refused", because: "the guest agent began no program" };
    return await awaitEnd(context, wanted, pid, signal);
  } catch (cause) {
    signal.throwIfAborted();
    return sorted(cause);
  }
}

/** A guest that was suspended while it was frozen, or whose datamover died then, may be frozen still. */
async function isThawed(
  { scratch }: RunContext,
  handle: Wanted["handle"],
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await notedFreezes(scratch.path)).includes(handle.domain.uuid)) return true;
  try {
    return (await payThaw(handle, scratch.path, signal)) === "paid";
  } catch (cause) {
    if (hasCode(cause, "guest-frozen")) return false;
    throw cause;
  }
}

async function awaitEnd(
  { clock }: RunContext,
  { handle, program }: Wanted,
  pid: number,
  signal: AbortSignal,
): Promise<GuestRun> {
  const untilMs = clock.now() + program.limitMs;
  let heardMs = clock.now();
  while (clock.now() < untilMs) {
    await clock.sleep(LOOK_MS, signal);
    try {
      const status = await ask(handle, "guest-exec-status", { pid }, signal);
      if (status["exited"] === true) return ended(status);
      heardMs = clock.now();
    } catch (cause) {
      signal.throwIfAborted();
      const run = sorted(cause);
      if (run.kind === "stopped") return run;
      if (clock.now() - heardMs < SILENCE_MS) continue;
      return { kind: "unfinished", because: `the guest agent is lost: ${describeFault(cause)}` };
    }
  }
  return { kind: "unfinished", because: `it had not ended after ${program.limitMs / 1000} s` };
}

/** A program that a signal killed has no exit code. */
function ended(status: Fields): GuestRun {
  const exitCode = optionalNumber(status, "exitcode");
  if (exitCode === undefined || status["out-truncated"] === true)
    return { kind: "unfinished", because: "it was killed in the guest, or said too much" };
  const output = Buffer.from(optionalText(status, "out-data") ?? "", "base64").toString("utf8");
  return { kind: "ended", exitCode, output };
}

/** What a failure of asking the agent means; one that is not the guest's is thrown on. */
function sorted(cause: unknown): Exclude<GuestRun, { kind: "ended" | "unfinished" }> {
  if (isLibvirtRefusal(cause, "operationInvalid", "noDomain")) return { kind: "stopped" };
  const isSilent = isLibvirtRefusal(cause, "agentUnresponsive", "agentUnsynced", "agentCommandTimeout");
  if (isSilent || hasCode(cause, "libvirt-timeout"))
    return { kind: "unreachable", because: `the guest agent does not answer: ${describeFault(cause)}` };
  if (hasCode(cause, "libvirt-refused"))
    return { kind: "refused", because: `the guest agent does not run it: ${describeFault(cause)}` };
  throw cause;
}

async function ask(
  { client, domain }: Wanted["handle"],
  execute: string,
  parameters: object,
  signal: AbortSignal,
): Promise<Fields> {
  const line = JSON.stringify({ execute, arguments: parameters });
  const command = { line, timeoutS: ANSWER_TIMEOUT_S };
  return fieldsOf(fieldsOf(JSON.parse(await client.agentCommand(domain, command, { signal })))["return"]);
}
