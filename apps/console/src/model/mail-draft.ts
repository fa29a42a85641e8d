import type { ReplyOf } from "./api-types.ts";

type Setting = ReplyOf<"GET /settings">["settings"][number];

/** The settings of mail that all projects share, as a form has them. */
export interface MailDraft {
  readonly server: string;
  readonly port: string;
  readonly security: "auto" | "tls" | "starttls" | "none";
  readonly user: string;
  /** Empty: the one that is there stays; it is never shown. */
  readonly password: string;
  readonly sender: string;
  readonly recipient: string;
  /** Seconds. */
  readonly timeout: string;
  /** Whether people are told of snapshots and restores at all. */
  readonly isOn: boolean;
}

export const MAIL_SECURITIES = ["auto", "tls", "starttls", "none"] as const;

/** The API's names of the fields that are plain text. */
const NAMES = {
  server: "smtp_server_name",
  port: "smtp_port",
  security: "smtp_security",
  user: "smtp_server_username",
  sender: "smtp_default_sender",
  recipient: "smtp_default_recipient",
  timeout: "smtp_timeout",
} as const;
const PASSWORD = "smtp_server_password";
const IS_ON = "smtp_email_enable";

/** The settings that all projects share, of those that a project sees. */
export function mailDraftOf(settings: readonly Setting[]): MailDraft {
  const shared = new Map(settings.filter((each) => each.is_public).map(({ name, value }) => [name, value]));
  const security = shared.get(NAMES.security);
  return {
    server: shared.get(NAMES.server) ?? "",
    port: shared.get(NAMES.port) ?? "25",
    security: MAIL_SECURITIES.find((each) => each === security) ?? "auto",
    user: shared.get(NAMES.user) ?? "",
    password: "",
    sender: shared.get(NAMES.sender) ?? "",
    recipient: shared.get(NAMES.recipient) ?? "",
    timeout: shared.get(NAMES.timeout) ?? "10",
    isOn: ["1", "true"].includes((shared.get(IS_ON) ?? "0").toLowerCase()),
  };
}

/** Whether a password is kept, which nobody is shown. */
export function hasPassword(settings: readonly Setting[]): boolean {
  return settings.some(({ name, is_public: isPublic }) => isPublic && name === PASSWORD);
}

/** What to set, and what to forget because its field was emptied. */
export function mailChange(
  before: MailDraft,
  draft: MailDraft,
): {
  readonly set: readonly { readonly name: string; readonly value: string; readonly is_public: true }[];
  readonly forget: readonly string[];
} {
  const fields = Object.entries(NAMES) as [keyof typeof NAMES, string][];
  const plain = fields.map(([field, name]) => ({ name, value: draft[field].trim(), was: before[field] }));
  const given = [
    ...plain.filter(({ value }) => value !== ""),
    ...(draft.password === "" ? [] : [{ name: PASSWORD, value: draft.password }]),
    { name: IS_ON, value: draft.isOn ? "1" : "0" },
  ];
  return {
    set: given.map(({ name, value }) => ({ name, value, is_public: true })),
    forget: plain.filter(({ value, was }) => value === "" && was !== "").map(({ name }) => name),
  };
}
