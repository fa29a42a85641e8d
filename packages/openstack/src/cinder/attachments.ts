import { asId, type VolumeId } from "@cairn/kernel";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** Cinder's own record of an attachment (microversion 3.27): who may use the volume, and how to reach it. */
export interface Attachment {
  readonly id: string;
  readonly volumeId: VolumeId;
  readonly instanceId: string | undefined;
  /** reserved, attaching, attached, detached, … */
  readonly status: string;
  readonly mode: string | undefined;
  /**
   * `driver_volume_type` and, flat beside it, what os-brick calls `data`; undefined before a connector is
   * known.
   */
  readonly connectionInfo: JsonObject | undefined;
}

export interface AttachmentCreation {
  readonly volumeId: VolumeId;
  /**
   * Nova's instance; "for non-nova consumers some other arbitrary unique identifier"
   * (cinder/api/v3/attachments.py).
   */
  readonly instanceId: string;
  /** With a connector the volume is connected at once, without it is only reserved. */
  readonly connector?: JsonObject;
  readonly mode?: "rw" | "ro";
}

export interface Attachments {
  list(filter?: { readonly volumeId?: VolumeId }, signal?: AbortSignal): Promise<readonly Attachment[]>;
  find(id: string, signal?: AbortSignal): Promise<Attachment | undefined>;
  create(attachment: AttachmentCreation, signal?: AbortSignal): Promise<Attachment>;
  /** Tells the connector of a reserved attachment and gets the connection. */
  update(id: string, connector: JsonObject, signal?: AbortSignal): Promise<Attachment>;
  /** Says that the volume is connected: `attaching` → `in-use` (microversion 3.44). */
  complete(id: string, signal?: AbortSignal): Promise<void>;
  /** Ends the connection; absent is ended. */
  delete(id: string, signal?: AbortSignal): Promise<void>;
}

/** The calls about Cinder's attachments (cinder/api/v3/attachments.py). */
export function attachments(client: ServiceClient): Attachments {
  const one = { versions: WITH_COMPLETE };
  return {
    list: async (filter, signal) =>
      client.list({
        doing: "listing volume attachments",
        path: ["attachments", "detail"],
        query: { volume_id: filter?.volumeId },
        field: "attachments",
        read: readAttachment,
        // Cinder has pages here and no links (cinder/api/v3/views/attachments.py).
        paging: { by: "marker", limit: PAGE_LIMIT, markerOf: (attachment) => attachment.id },
        signal,
      }),
    find: async (id, signal) => {
      const answer = await client.find({
        ...one,
        doing: `reading attachment ${id}`,
        path: ["attachments", id],
        signal,
      });
      return answer === undefined ? undefined : theOnly(answer, "attachment", readAttachment);
    },
    create: async (attachment, signal) => {
      const answer = await client.post({
        versions: attachment.mode === "ro" ? WITH_MODE : WITH_COMPLETE,
        doing: `attaching volume ${attachment.volumeId}`,
        path: ["attachments"],
        body: { attachment: encode(attachment) },
        signal,
      });
      return theOnly(answer, "attachment", readAttachment);
    },
    update: async (id, connector, signal) => {
      const doing = `telling the connector of attachment ${id}`;
      const body = { attachment: { connector } };
      const answer = await client.put({ ...one, doing, path: ["attachments", id], body, signal });
      return theOnly(answer, "attachment", readAttachment);
    },
    complete: async (id, signal) => {
      const doing = `completing attachment ${id}`;
      await client.post({
        ...one,
        doing,
        path: ["attachments", id, "action"],
        body: { "os-complete": {} },
        signal,
      });
    },
    delete: async (id, signal) => {
      await client.remove({ ...one, doing: `ending attachment ${id}`, path: ["attachments", id], signal });
    },
  };
}

/** Queens: `os-complete`. */
const WITH_COMPLETE = { least: "3.44", most: "3.59" };
/** Stein: `mode`; before, and when it is not said, an attachment is for reading and writing. */
const WITH_MODE = { least: "3.54", most: "3.59" };
const PAGE_LIMIT = 500;

function encode(attachment: AttachmentCreation): JsonObject {
  return {
    volume_uuid: attachment.volumeId,
    instance_uuid: attachment.instanceId,
    ...(attachment.connector === undefined ? {} : { connector: attachment.connector }),
    ...(attachment.mode === "ro" ? { mode: "ro" } : {}),
  };
}

function readAttachment(fields: Fields): Attachment {
  const connection = fields.optionalObject("connection_info", (nested) => nested.raw);
  return {
    id: fields.string("id"),
    volumeId: asId<"volume">(fields.string("volume_id")),
    instanceId: fields.optionalString("instance"),
    status: fields.text("status"),
    mode: fields.optionalString("attach_mode"),
    // A reservation has an empty object, which connects nothing.
    connectionInfo: connection === undefined || Object.keys(connection).length === 0 ? undefined : connection,
  };
}
