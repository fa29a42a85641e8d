import { JsonFields } from "../json-fields.ts";
import type { Owner, OwnerRecord } from "./owner.ts";

export const OWNER_MAGIC = "CAIRNOWN";

/** The JSON of `o/<workload id>/<sequence>`, before it is sealed. */
export function encodeOwnerRecord(record: OwnerRecord): Buffer {
  const { workloadId, sequence, owner, former, at, by } = record;
  const plain = ({ projectId, userId, cloudId }: Owner): Owner => ({
    projectId,
    userId,
    ...(cloudId === undefined ? {} : { cloudId }),
  });
  return Buffer.from(
    JSON.stringify({ workloadId, sequence, owner: plain(owner), former: plain(former), at, by }),
  );
}

/** Reads a record that was opened. Fields that are not known are ignored. */
export function decodeOwnerRecord(name: string, bytes: Buffer): OwnerRecord {
  const fields = JsonFields.parse(name, bytes);
  return {
    workloadId: fields.text("workloadId"),
    sequence: fields.count("sequence"),
    owner: decodeOwner(fields.object("owner")),
    former: decodeOwner(fields.object("former")),
    at: fields.count("at"),
    by: fields.text("by"),
  };
}

function decodeOwner(fields: JsonFields): Owner {
  const cloudId = fields.optionalText("cloudId");
  return {
    projectId: fields.text("projectId"),
    userId: fields.text("userId"),
    ...(cloudId === undefined ? {} : { cloudId }),
  };
}
