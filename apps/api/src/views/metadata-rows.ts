import { type MetadataRow, wireTime } from "@cairn/contract";

/** Metadata as the list of rows that existing clients read, each with the audit columns of its owner. */
export function metadataRows(
  metadata: Readonly<Record<string, unknown>>,
  owner: { readonly kind: "snapshot" | "restore"; readonly id: string; readonly createdAt: Date },
): MetadataRow[] {
  return Object.entries(metadata).map(([key, value]) => ({
    id: owner.id,
    key,
    value: value === null ? null : typeof value === "string" ? value : JSON.stringify(value),
    version: "1",
    created_at: wireTime(owner.createdAt.getTime()),
    updated_at: null,
    deleted_at: null,
    deleted: false,
    ...(owner.kind === "snapshot" ? { snapshot_id: owner.id } : { restore_id: owner.id }),
  }));
}
