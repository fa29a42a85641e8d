import { ApiError } from "./answer.ts";
import { booleanAt, type Json, jsonOf, numberAt, recordAt, textAt } from "./reading.ts";

/** What an injected fault does to a request. */
export type Effect =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body: unknown;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "hang" }
  | { readonly kind: "drop" }
  | { readonly kind: "apply-then-fail"; readonly status: number; readonly drop: boolean }
  | { readonly kind: "host-fails"; readonly message: string };

export interface InjectedFault {
  readonly id: string;
  readonly service: string | undefined;
  readonly method: string | undefined;
  readonly path: RegExp | undefined;
  readonly times: number;
  readonly after: number;
  readonly effect: Effect;
}

/** The faults that tests have ordered, and how often each was met. */
export class FaultPlan {
  readonly #faults = new Map<string, { readonly fault: InjectedFault; hits: number }>();
  #lastId = 0;

  add(json: Json): string {
    this.#lastId += 1;
    const id = `fault-${this.#lastId}`;
    this.#faults.set(id, { fault: parseFault(id, json), hits: 0 });
    return id;
  }

  remove(id: string): void {
    this.#faults.delete(id);
  }

  clear(): void {
    this.#faults.clear();
  }

  list(): object[] {
    return [...this.#faults.values()].map(({ fault, hits }) => ({
      ...fault,
      path: fault.path?.source,
      hits,
    }));
  }

  /** The effect on this request, which counts as a hit of its fault; several faults apply in their order. */
  take(service: string, method: string, path: string): Effect | undefined {
    for (const entry of this.#faults.values()) {
      const { fault } = entry;
      if (fault.effect.kind === "host-fails") continue;
      if (fault.service !== undefined && fault.service !== service) continue;
      if (fault.method !== undefined && fault.method !== method) continue;
      if (fault.path !== undefined && !fault.path.test(path)) continue;
      if (entry.hits >= fault.after + fault.times) continue;
      entry.hits += 1;
      if (entry.hits > fault.after) return fault.effect;
    }
    return undefined;
  }

  /** The message of a host failure that the next building instance meets. */
  takeHostFailure(): string | undefined {
    for (const entry of this.#faults.values()) {
      const { fault } = entry;
      if (fault.effect.kind !== "host-fails" || entry.hits >= fault.after + fault.times) continue;
      entry.hits += 1;
      if (entry.hits > fault.after) return fault.effect.message;
    }
    return undefined;
  }
}

function parseFault(id: string, json: Json): InjectedFault {
  const path = textAt(json, "path");
  return {
    id,
    service: textAt(json, "service"),
    method: textAt(json, "method")?.toUpperCase(),
    path: path === undefined ? undefined : new RegExp(path),
    times: numberAt(json, "times") ?? 1,
    after: numberAt(json, "after") ?? 0,
    effect: parseEffect(jsonOf(json["effect"])),
  };
}

function parseEffect(json: Json): Effect {
  const kind = textAt(json, "kind") ?? "";
  switch (kind) {
    case "status":
      return {
        kind,
        status: numberAt(json, "status") ?? 500,
        body: json["body"],
        headers: recordAt(json, "headers") ?? {},
      };
    case "delay":
      return { kind, ms: numberAt(json, "ms") ?? 1000 };
    case "hang":
    case "drop":
      return { kind };
    case "apply-then-fail":
      return { kind, status: numberAt(json, "status") ?? 500, drop: booleanAt(json, "drop") ?? false };
    case "host-fails":
      return { kind, message: textAt(json, "message") ?? "qemu unexpectedly closed the monitor" };
    default:
      throw new ApiError(400, `unknown effect ${JSON.stringify(kind)}`);
  }
}
