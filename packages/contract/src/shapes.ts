import { type Static, Type } from "typebox";

/** An id on the wire: a UUID, or Keystone's 32 hex digits. */
export const WireId = Type.String({ minLength: 1, maxLength: 255, pattern: "^[^\\u0000-\\u001f]*$" });

/** What the query of every list takes: at most so many rows, those after the one of this id. */
export const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  marker: Type.Optional(WireId),
};

/** `YYYY-MM-DDTHH:MM:SS.ffffff` in UTC, without a zone: the one form that reference clients parse. */
export const Timestamp = Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{6}$" });

/** Characters that a name may have. */
export const LABEL_MAX = 255;

/** A name or description that a person typed, in any script. */
export const Label = Type.String({ maxLength: LABEL_MAX });

/** A whole number of bytes. */
export const ByteCount = Type.Integer({ minimum: 0 });

/** Either the value or `null`; the wire writes absent things as `null`. */
export const nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()]);

/** OpenStack's self and bookmark links. */
export const Links = Type.Array(Type.Object({ rel: Type.String(), href: Type.String() }));
export type Links = Static<typeof Links>;

/** One row of a snapshot's or restore's metadata, with the audit columns that reference clients expect. */
export const MetadataRow = Type.Object({
  id: WireId,
  key: Type.String(),
  value: nullable(Type.String()),
  version: Type.String(),
  created_at: Timestamp,
  updated_at: nullable(Timestamp),
  deleted_at: nullable(Timestamp),
  deleted: Type.Boolean(),
  snapshot_id: Type.Optional(WireId),
  restore_id: Type.Optional(WireId),
});
export type MetadataRow = Static<typeof MetadataRow>;

/** How far one disk is. Bytes count only when they are stored, or written and flushed. */
export const DiskProgress = Type.Object({
  disk: Type.String({ description: "device of the instance, such as vda" }),
  disk_id: Type.String(),
  instance: Type.String({ description: "name of the instance" }),
  instance_id: WireId,
  done_bytes: ByteCount,
  total_bytes: ByteCount,
  stored_bytes: ByteCount,
});
export type DiskProgress = Static<typeof DiskProgress>;

/** What a running snapshot or restore is doing, for people and programs. */
export const Progress = Type.Object({
  phase: Type.String({
    description:
      "waiting, preparing, reading, writing, uploading, verifying, cleaning, finished …; of a restore " +
      'with "safety snapshot: " before it while that is taken',
  }),
  disks: Type.Array(DiskProgress),
  bytes_per_second: nullable(Type.Number({ minimum: 0 })),
  remaining_seconds: nullable(Type.Number({ minimum: 0 })),
});
export type Progress = Static<typeof Progress>;

/** The body of an error: one key, named after the kind of fault as OpenStack does, with what Cairn adds. */
export const FaultDetail = Type.Object({
  code: Type.Integer({ minimum: 400, maximum: 599 }),
  message: Type.String(),
  field: Type.Optional(Type.String({ description: "what in the request is wrong" })),
  value: Type.Optional(Type.Unknown({ description: "what was sent there" })),
  remedy: Type.Optional(Type.String({ description: "what to do about it" })),
});
export type FaultDetail = Static<typeof FaultDetail>;

/** The fault names by status, as Cinder and Nova spell them. */
const FAULT_NAMES: Readonly<Record<number, string>> = {
  400: "badRequest",
  401: "unauthorized",
  403: "forbidden",
  404: "itemNotFound",
  405: "badMethod",
  409: "conflictingRequest",
  413: "overLimit",
  415: "badMediaType",
  501: "notImplemented",
  503: "serviceUnavailable",
};

/** The error body of a status: `{"badRequest": {"code": 400, "message": …}}`. */
export function faultBody(detail: FaultDetail): Record<string, FaultDetail> {
  return { [FAULT_NAMES[detail.code] ?? "computeFault"]: detail };
}

/** Milliseconds since 1970 as the wire's timestamp. */
export function wireTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000`;
}

/** The wire's timestamp as milliseconds since 1970, or `undefined` when it is not one. */
export function parseWireTime(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z?$/.test(text)) return undefined;
  const ms = Date.parse(text.endsWith("Z") ? text : `${text}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
