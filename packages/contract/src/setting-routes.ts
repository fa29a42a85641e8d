import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { Label, nullable, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const SettingName = Type.String({ minLength: 1, maxLength: 255, pattern: "^[A-Za-z0-9_.:-]+$" });
const VALUE_MAX = 8192;
const SETTINGS_MAX = 100;

/** What stands where a value is that nobody may see. Sent back, it leaves the value as it is. */
export const HIDDEN_VALUE = "********";

/** One setting, as the row that existing clients read. */
export const Setting = Type.Object({
  id: WireId,
  name: Type.String(),
  value: Type.String({ description: `a password's is ${HIDDEN_VALUE}` }),
  category: Type.String(),
  type: Type.String(),
  description: Type.String(),
  is_public: Type.Boolean({ description: "counts for all projects that have none of their own" }),
  public: Type.Boolean(),
  is_hidden: Type.Boolean(),
  hidden: Type.Boolean(),
  metadata: Type.Array(Type.Object({ key: Type.String(), value: Type.String() })),
  status: Type.Literal("available"),
  project_id: WireId,
  user_id: WireId,
  version: Type.String(),
  created_at: Timestamp,
  updated_at: nullable(Timestamp),
  deleted_at: nullable(Timestamp),
  deleted: Type.Boolean(),
});
export type Setting = Static<typeof Setting>;

const GivenSetting = Type.Object({
  name: SettingName,
  value: Type.String({ maxLength: VALUE_MAX, writeOnly: true }),
  category: Type.Optional(Label),
  type: Type.Optional(
    Type.String({ maxLength: 255, description: "`secret`: the value is sealed, and shown to nobody" }),
  ),
  description: Type.Optional(Label),
  is_public: Type.Optional(Type.Boolean({ description: "for the whole cloud; administrators only" })),
  is_hidden: Type.Optional(Type.Boolean({ description: "listed only to who asks for hidden ones" })),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 1024 }))),
});
export type GivenSetting = Static<typeof GivenSetting>;

/** Body of creating and updating settings. */
export const GivenSettings = Type.Object({
  settings: Type.Array(GivenSetting, { minItems: 1, maxItems: SETTINGS_MAX }),
});

const settingParams = Type.Object({ setting_name: WireId });
const whichOne = {
  is_public: Type.Optional(
    Type.Boolean({ description: "the cloud's, or the project's own; own before public unless given" }),
  ),
};
const settingsReply = Type.Object({ settings: Type.Array(Setting) });

const mailText = Type.Optional(Type.String({ maxLength: 1024 }));
const smtpQuery = Type.Object({
  smtp_server_name: mailText,
  smtp_port: mailText,
  smtp_server_username: mailText,
  smtp_server_password: Type.Optional(Type.String({ maxLength: 1024, writeOnly: true })),
  smtp_timeout: mailText,
  smtp_security: mailText,
  smtp_default_sender: mailText,
  smtp_default_recipient: mailText,
  smtp_email_enable: mailText,
});

/** The operations on settings, and the trial of those of mail. */
export const settingRoutes = {
  createSettings: {
    scope: "project",
    methods: ["POST"],
    paths: ["/settings"],
    params: none,
    query: none,
    body: GivenSettings,
    reply: settingsReply,
    status: 200,
    action: "workload:setting_create",
    effect: "change",
    summary: "Set settings of the project, or public ones; those that are there are changed",
  },
  updateSettings: {
    scope: "project",
    methods: ["PUT"],
    paths: ["/settings"],
    params: none,
    query: none,
    body: GivenSettings,
    reply: settingsReply,
    status: 200,
    action: "workload:setting_update",
    effect: "change",
    summary: "Change settings that are there; all of them or none",
  },
  listSettings: {
    scope: "project",
    methods: ["GET"],
    paths: ["/settings"],
    params: none,
    query: Type.Object({
      get_hidden: Type.Optional(Type.Boolean()),
      get_smtp_settings: Type.Optional(Type.Boolean({ description: "only those of mail" })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      marker: Type.Optional(WireId),
    }),
    reply: settingsReply,
    status: 200,
    action: "workload:setting_list",
    effect: "read",
    summary: "List the project's settings and the public ones",
  },
  showSetting: {
    scope: "project",
    methods: ["GET"],
    paths: ["/settings/{setting_name}"],
    params: settingParams,
    query: Type.Object({ get_hidden: Type.Optional(Type.Boolean()), ...whichOne }),
    reply: Type.Object({ setting: Setting }),
    status: 200,
    action: "workload:setting_get",
    effect: "read",
    summary: "Show a setting: the project's own, else the public one",
  },
  deleteSetting: {
    scope: "project",
    methods: ["DELETE"],
    paths: ["/settings/{setting_name}"],
    params: settingParams,
    query: Type.Object(whichOne),
    status: 200,
    action: "workload:setting_delete",
    effect: "change",
    summary: "Delete a setting: the project's own, else the public one",
  },
  showEmailSettings: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/settings"],
    params: none,
    query: none,
    reply: Type.Object({
      settings: Type.Record(Type.String(), Type.String(), {
        description: "what counts for the project's mail, by name; the password is not among it",
      }),
    }),
    status: 200,
    action: "workload:setting_list",
    effect: "read",
    summary: "Show the settings of mail that count for the project",
  },
  testEmail: {
    scope: "project",
    methods: ["GET"],
    paths: ["/workloads/email/test_email"],
    params: none,
    query: smtpQuery,
    reply: Type.Object({
      message: Type.String(),
      delivery_id: WireId,
      recipients: Type.Array(Type.String()),
    }),
    status: 200,
    action: "workload:email_test",
    effect: "change",
    summary: "Send a test mail by these settings, or by those that count, and wait until it is taken",
  },
} as const satisfies Record<string, Route>;
