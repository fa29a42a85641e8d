import type { VolumeId } from "@cairn/kernel";
import type { JsonObject } from "../wire/json.ts";

/** Cinder's own record of an attachment (microversion 3.27): who may use the volume, and how to reach it. */
export interface Attachment {
  readonly id: string;
  readonly volumeId: VolumeId;
  readonly instanceId: string | undefined;
  /** reserved, attaching, attached, detached, … */
  readonly status: string;
  readonly mode: string | undefined;
  /** What os-brick would connect with: `driver_volume_type` and `data`; undefined until a connector is known. */
  readonly connectionInfo: JsonObject | undefined;
}

export interface AttachmentCreation {
  readonly volumeId: VolumeId;
  /** Cinder before 3.77 demands a UUID here; any will do for a volume that no instance uses (our restore's id). */
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
