import type { Notice } from "@cairn/domain";
import type { Id, ProjectId, UserId } from "@cairn/kernel";
import type { ColumnType, Generated, Selectable } from "kysely";

type Json<Value> = ColumnType<Value, string, string>;
type JsonOrDefault<Value> = ColumnType<Value, string | undefined, string>;
type Now = ColumnType<Date, Date | undefined, Date>;

/** The tables of settings by name, and of what is told to whom. */
export interface NoticeTables {
  named_setting: NamedSettingTable;
  webhook: WebhookTable;
  notice: NoticeTable;
  delivery: DeliveryTable;
}

export type SettingId = Id<"setting">;
export type WebhookId = Id<"webhook">;
export type NoticeId = Id<"notice">;
export type DeliveryId = Id<"delivery">;

interface NamedSettingTable {
  id: SettingId;
  project_id: ProjectId;
  user_id: UserId;
  name: string;
  is_public: boolean;
  is_hidden: Generated<boolean>;
  value: string | null;
  sealed: string | null;
  category: Generated<string>;
  type: Generated<string>;
  description: Generated<string>;
  metadata: JsonOrDefault<Readonly<Record<string, unknown>>>;
  created_at: Now;
  updated_at: Now;
}
export type NamedSettingRow = Selectable<NamedSettingTable>;

interface WebhookTable {
  id: WebhookId;
  project_id: ProjectId;
  user_id: UserId;
  name: string;
  url: string;
  events: Json<string[]>;
  is_for_all: boolean;
  is_enabled: Generated<boolean>;
  off_reason: string | null;
  sealed_secret: string;
  sealed_former: string | null;
  former_until: Date | null;
  created_at: Now;
  updated_at: Now;
}
export type WebhookRow = Selectable<WebhookTable>;

interface NoticeTable {
  id: NoticeId;
  project_id: ProjectId;
  kind: Notice["kind"];
  body: Json<Notice>;
  created_at: Now;
  expanded_at: Date | null;
}
export type NoticeRow = Selectable<NoticeTable>;

export type DeliveryState = "waiting" | "sent" | "failed" | "dropped";

interface DeliveryTable {
  id: DeliveryId;
  notice_id: NoticeId;
  project_id: ProjectId;
  channel: "email" | "webhook";
  webhook_id: WebhookId | null;
  lane: string;
  receiver: Generated<string>;
  sealed_request: string | null;
  state: Generated<DeliveryState>;
  attempt: Generated<number>;
  next_at: Now;
  lease_until: Date | null;
  message: string | null;
  created_at: Now;
  begun_at: Now;
  finished_at: Date | null;
}
export type DeliveryRow = Selectable<DeliveryTable>;
