import type { Fields } from "../wire/decode.ts";
import type { ServiceClient } from "../wire/service-client.ts";

/** What Cinder tells a user of something that failed after it was accepted. */
export interface UserMessage {
  readonly text: string;
  readonly createdAt: number;
}

export interface UserMessages {
  /** About one volume or snapshot, newest first. */
  list(resourceId: string, signal?: AbortSignal): Promise<readonly UserMessage[]>;
}

/** The calls about messages. The filter by resource came with 3.5 (Ocata). */
export function userMessages(client: ServiceClient): UserMessages {
  return {
    list: async (resourceId, signal) => {
      const messages = await client.list({
        doing: `reading what cinder says of ${resourceId}`,
        path: ["messages"],
        query: { resource_uuid: resourceId },
        field: "messages",
        read: readMessage,
        signal,
      });
      return messages.toSorted((one, other) => other.createdAt - one.createdAt);
    },
  };
}

function readMessage(fields: Fields): UserMessage {
  return { text: fields.text("user_message"), createdAt: fields.time("created_at") };
}
