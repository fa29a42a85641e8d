import { createHash } from "node:crypto";
import type { ProcessIdentity } from "./process-table.ts";
import type { Service } from "./service.ts";

/** What `run/NAME.json` says of a service that was started. */
export interface ServiceRecord extends ProcessIdentity {
  /** Of the command and the configuration that it was started with. */
  readonly digest: string;
}

export type ServiceState = "running" | "outdated" | "stopped";

/** What of a service is there, and so what `up` has to do. */
export function judgeService(
  record: ServiceRecord | undefined,
  isAlive: (identity: ProcessIdentity) => boolean,
  digest: string,
): ServiceState {
  if (record === undefined || !isAlive(record)) return "stopped";
  return record.digest === digest ? "running" : "outdated";
}

/** Changes whenever the service would start differently. */
export function digestOf(service: Service, textOf: (path: string) => string): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([service.command, service.environment ?? {}]));
  for (const path of service.reads) hash.update(textOf(path));
  return hash.digest("hex").slice(0, 16);
}

/** A record that a crash left half-written counts as none. */
export function parseServiceRecord(text: string): ServiceRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof ServiceRecord, unknown>>;
    const { pid, startTicks, digest } = value;
    if (typeof pid !== "number" || typeof startTicks !== "string" || typeof digest !== "string")
      return undefined;
    return { pid, startTicks, digest };
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
