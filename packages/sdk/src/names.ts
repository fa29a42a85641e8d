import type { ApiClient } from "@cairn/contract";
import { isUuid, Rejection } from "@cairn/kernel";
import { eachRestore, eachSnapshot, eachWorkload } from "./paging.ts";

interface Named {
  readonly id: string;
  readonly name: string;
}

/** The id of a workload by its id or name. */
export async function findWorkload(api: ApiClient, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("workload", wanted, await Array.fromAsync(eachWorkload(api)));
}

/** The id of a snapshot by its id or name. */
export async function findSnapshot(api: ApiClient, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("snapshot", wanted, await Array.fromAsync(eachSnapshot(api)));
}

/** The id of a restore by its id or name. */
export async function findRestore(api: ApiClient, wanted: string): Promise<string> {
  return isUuid(wanted) ? wanted : only("restore", wanted, await Array.fromAsync(eachRestore(api)));
}

const CANDIDATES_SHOWN_MAX = 10;

/** The id of the one thing of this name. None and several are different mistakes. */
export function only(kind: string, wanted: string, rows: readonly Named[]): string {
  const found = rows.filter((row) => row.name === wanted || row.id === wanted);
  const [first] = found;
  if (first === undefined) {
    throw new Rejection(`No ${kind} with a name or ID of '${wanted}' exists.`, {
      status: 404,
      field: kind,
      value: wanted,
      remedy: `List the ${several(kind)} to see what there is.`,
    });
  }
  if (found.length === 1) return first.id;
  const shown = found.slice(0, CANDIDATES_SHOWN_MAX).map((row) => row.id);
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more` : "";
  throw new Rejection(`${found.length} ${several(kind)} are called '${wanted}'.`, {
    status: 400,
    field: kind,
    value: wanted,
    remedy: `Use one of the ids ${shown.join(", ")}${more}.`,
  });
}

function several(kind: string): string {
  return kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}

/** Whether an error says that what was asked for does not exist, or not for this project. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Rejection && error.status === 404;
}
