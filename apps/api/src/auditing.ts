import type { Route } from "@cairn/contract";
import {
  type AuditEnd,
  type AuditSubject,
  beginAudit,
  type Handle,
  recordAudit,
  settleAudit,
} from "@cairn/database";
import { asError, Rejection } from "@cairn/kernel";
import type { Log } from "@cairn/service";
import { askedThing, thingOfPath } from "./asked-thing.ts";
import type { Caller } from "./policy.ts";
import { failureReply } from "./replies.ts";

/*
 * Every request that may change something has an entry in the audit log before it does, and what became of
 * it afterwards. Bodies are never noted, nor are messages, which may repeat parts of them: an entry has names
 * and ids of things, and of what was refused the field.
 */

/** A request that may change something, of somebody who is known. */
export interface AuditedRequest {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  readonly caller: Caller;
  readonly requestId: string;
}

/** What is told when the request is over. */
export interface OpenEntry {
  succeeded(result: unknown): Promise<void>;
  failed(cause: unknown): Promise<void>;
}

/** Whether requests of a route have entries. */
export function isAudited(route: Route): boolean {
  return route.effect === "change" || route.effect === "administer";
}

const UNTOLD: OpenEntry = { succeeded: () => Promise.resolve(), failed: () => Promise.resolve() };

/** Writes the entries of requests. */
export class Auditor {
  readonly #handle: Handle;
  readonly #log: Log;

  constructor(handle: Handle, log: Log) {
    this.#handle = handle;
    this.#log = log;
  }

  /** Notes who was refused what. A database that is away does not make of the refusal something else. */
  async refused(request: AuditedRequest, cause: unknown): Promise<void> {
    if (!isAudited(request.route)) return;
    await this.#try(request.requestId, async () => {
      const thing = thingOfPath(request.params);
      const object = thing === undefined ? undefined : { ...thing, name: "" };
      await recordAudit(
        this.#handle,
        { ...subjectOf(request), object },
        { ...endOf(cause), outcome: "refused" },
      );
    });
  }

  /** Notes who begins what. Throws when it cannot be noted: then nothing is to be done. */
  async begin(request: AuditedRequest): Promise<OpenEntry> {
    const { route, params, caller, requestId } = request;
    if (!isAudited(route)) return UNTOLD;
    const object = await askedThing(this.#handle, params, caller.projectId);
    const id = await beginAudit(this.#handle, { ...subjectOf(request), object });
    const settle = async (end: AuditEnd): Promise<void> =>
      this.#try(requestId, async () => settleAudit(this.#handle, id, end));
    return {
      succeeded: async (result) => {
        const made = route.methods[0] === "POST" ? thingOfReply(result) : undefined;
        const detail =
          made === undefined || object === undefined
            ? ""
            : `${object.kind} ${object.name === "" ? object.id : object.name}`;
        await settle({ outcome: "accepted", status: route.status, detail, object: made });
      },
      failed: async (cause) => settle(endOf(cause)),
    };
  }

  /** What fails now is told as `unknown` later: the entry that was begun is there. */
  async #try(requestId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      this.#log.error("audit.failed", { request: requestId, fault: asError(cause) });
    }
  }
}

function subjectOf({ route, caller, requestId }: AuditedRequest): AuditSubject {
  const isOwn = caller.projectId === caller.tokenProjectId;
  return {
    origin: "api",
    userId: caller.userId,
    userName: caller.userName,
    projectId: caller.projectId,
    projectName: isOwn ? caller.tokenProjectName : "",
    action: route.action ?? "",
    requestId,
  };
}

function endOf(cause: unknown): AuditEnd {
  const { status } = failureReply(cause);
  const field = cause instanceof Rejection ? (cause.field ?? "") : "";
  return { outcome: status === 403 ? "refused" : "failed", status, detail: field };
}

/** The thing that a reply is about: `{"snapshot": {"id", "name"}}`, or the first of a list of one. */
function thingOfReply(result: unknown): AuditSubject["object"] {
  if (typeof result !== "object" || result === null) return undefined;
  for (const [kind, value] of Object.entries(result)) {
    const thing: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof thing !== "object" || thing === null) continue;
    const { id, name } = thing as { readonly id?: unknown; readonly name?: unknown };
    if (typeof id === "string") return { kind, id, name: typeof name === "string" ? name : "" };
    if (typeof name === "string") return { kind, id: name, name };
  }
  return undefined;
}
