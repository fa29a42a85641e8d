import type { TSchema } from "typebox";

/** A file on its way. */
export interface Download {
  readonly name: string;
  readonly contentType: string;
  /** Absent where it shows only at the end. */
  readonly sizeBytes?: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/**
 * One operation of the REST interface. `paths` and `methods` begin with the one that our own client uses; the
 * others are spellings of existing clients. Paths of scope `project` lie under `/v1/{project_id}`.
 */
export interface Route {
  readonly scope: "public" | "project";
  readonly methods: readonly [Method, ...Method[]];
  readonly paths: readonly [string, ...string[]];
  /** Spellings that name no project: the token's is meant. */
  readonly rootPaths?: readonly string[];
  readonly params: TSchema;
  readonly query: TSchema;
  /** Absent: a body is ignored. */
  readonly body?: TSchema;
  /** Absent: the reply has no body. */
  readonly reply?: TSchema;
  /** The reply is bytes (`Download`), and not JSON. */
  readonly download?: true;
  readonly status: 200 | 202;
  /** The policy's name of what is done; every route of scope `project` has one. */
  readonly action?: string;
  /** `inspect`: reads what concerns all projects. `administer`: changes what all projects share. */
  readonly effect: "read" | "change" | "inspect" | "administer";
  /** What whoever may not do this is told, where clients look for other words than the usual ones. */
  readonly refusal?: string;
  readonly summary: string;
}
