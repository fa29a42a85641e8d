/*
 * The settings that say whether mail is sent, by which server, and to whom: their names as existing clients
 * have them, what each may be, and which count when a project and the cloud both say something.
 */

/** Those that name a mail server and what it is told: they belong together. */
const CONNECTION = [
  "smtp_server_name",
  "smtp_port",
  "smtp_server_username",
  "smtp_server_password",
  "smtp_timeout",
  "smtp_security",
  "smtp_default_sender",
] as const;

export const SMTP_SETTINGS = [...CONNECTION, "smtp_default_recipient", "smtp_email_enable"] as const;
export type SmtpSetting = (typeof SMTP_SETTINGS)[number];

/** The one whose value is sealed, whatever its row says of its type. */
export const SMTP_PASSWORD = "smtp_server_password" satisfies SmtpSetting;

/**
 * How the way to the server is kept from others. `auto`: by TLS from the start on port 465; else by STARTTLS
 * where the server has it, and always before a password. `none` sends even a password as it is.
 */
export const SMTP_SECURITIES = ["auto", "tls", "starttls", "none"] as const;
export type SmtpSecurity = (typeof SMTP_SECURITIES)[number];

const RECIPIENTS_MAX = 10;
const TIMEOUT_SECONDS = { usual: 10, max: 60 };

export function isSmtpSetting(name: string): name is SmtpSetting {
  return (SMTP_SETTINGS as readonly string[]).includes(name);
}

/** What is wrong with the value of one of these settings: completes "it …". `undefined`: nothing. */
export function smtpProblem(name: SmtpSetting, value: string): string | undefined {
  switch (name) {
    case "smtp_server_name":
      return isHost(value)
        ? undefined
        : "must be the name or the address of a host, such as mail.example.org";
    case "smtp_port":
      return wholeNumber(value, 1, 65_535);
    case "smtp_timeout":
      return wholeNumber(value, 1, TIMEOUT_SECONDS.max);
    case "smtp_email_enable":
      return /^(?:0|1|true|false)$/i.test(value) ? undefined : "must be 1 or 0";
    case "smtp_security":
      return (SMTP_SECURITIES as readonly string[]).includes(value)
        ? undefined
        : `must be one of ${SMTP_SECURITIES.join(", ")}`;
    case "smtp_default_sender":
      return value === "" || isMailAddress(value) ? undefined : "must be a mail address";
    case "smtp_default_recipient":
      return recipientsProblem(value);
    case "smtp_server_username":
    case "smtp_server_password":
      return /^\P{Cc}{0,1024}$/u.test(value) ? undefined : "must be a line of at most 1024 characters";
  }
}

/** One address without a name before it: nothing in it can begin another header or another recipient. */
export function isMailAddress(text: string): boolean {
  if (text.length > 254) return false;
  const [, domain] = /^[^\s\p{Cc}@,;:<>()[\]\\"]{1,64}@([^\s@]+)$/u.exec(text) ?? [];
  return domain !== undefined && isHost(domain);
}

/** Several with commas between them. */
export function mailAddresses(text: string): string[] {
  return text.split(",").flatMap((each) => (each.trim() === "" ? [] : [each.trim()]));
}

function recipientsProblem(value: string): string | undefined {
  const addresses = mailAddresses(value);
  if (addresses.length <= RECIPIENTS_MAX && addresses.every(isMailAddress)) return undefined;
  return `must be a mail address, or up to ${String(RECIPIENTS_MAX)} with commas between them`;
}

function isHost(text: string): boolean {
  if (text.length > 253) return false;
  if (/^[0-9a-f:.]+$/i.test(text) && text.includes(":")) return true;
  return /^(?!-)[\p{L}\p{N}_-]{1,63}(?<!-)(?:\.(?!-)[\p{L}\p{N}_-]{1,63}(?<!-))*\.?$/u.test(text);
}

function wholeNumber(value: string, min: number, max: number): string | undefined {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  return number >= min && number <= max
    ? undefined
    : `must be a whole number from ${String(min)} to ${String(max)}`;
}

/** Whose word something is: an operator's may lead to places that a tenant's may not. */
export type SaidBy = "project" | "cloud";

/** The mail server that a project's mail goes by. */
export interface SmtpConnection {
  /** Who named it. The password is that one's, too. */
  readonly saidBy: SaidBy;
  readonly host: string;
  readonly port: number;
  readonly security: SmtpSecurity;
  /** Absent: the server is told no name and no password. */
  readonly username: string | undefined;
  readonly timeoutMs: number;
  readonly sender: string | undefined;
}

export interface SmtpSettings {
  readonly isEnabled: boolean;
  readonly connection: SmtpConnection | undefined;
  readonly defaultRecipients: readonly string[];
}

/** Values by name, of those that are set; the password is not among them. */
export type SmtpValues = ReadonlyMap<string, string>;

/**
 * What counts for a project. A project that names a server of its own says everything of it: the cloud's user
 * name, password and sender go to the cloud's server alone, or a tenant could send them to theirs.
 */
export function resolveSmtp(own: SmtpValues, cloud: SmtpValues): SmtpSettings {
  const either = (name: SmtpSetting): string => own.get(name) ?? cloud.get(name) ?? "";
  const saidBy: SaidBy = isSet(own, "smtp_server_name") ? "project" : "cloud";
  return {
    isEnabled: /^(?:1|true)$/i.test(either("smtp_email_enable")),
    connection: connectionOf(saidBy === "project" ? own : cloud, saidBy),
    defaultRecipients: mailAddresses(either("smtp_default_recipient")),
  };
}

function connectionOf(values: SmtpValues, saidBy: SaidBy): SmtpConnection | undefined {
  const host = values.get("smtp_server_name") ?? "";
  if (host === "") return undefined;
  const security = SMTP_SECURITIES.find((each) => each === values.get("smtp_security")) ?? "auto";
  const username = values.get("smtp_server_username") ?? "";
  const sender = values.get("smtp_default_sender") ?? "";
  const seconds = Number(values.get("smtp_timeout") ?? TIMEOUT_SECONDS.usual);
  return {
    saidBy,
    host,
    port: Number(values.get("smtp_port") ?? usualPort(security)),
    security,
    username: username === "" ? undefined : username,
    timeoutMs: seconds * 1000,
    sender: [sender, username].find(isMailAddress),
  };
}

/** Submission with TLS from the start has port 465 (RFC 8314), with STARTTLS 587, and relays listen at 25. */
function usualPort(security: SmtpSecurity): number {
  if (security === "tls") return 465;
  return security === "starttls" ? 587 : 25;
}

function isSet(values: SmtpValues, name: SmtpSetting): boolean {
  return (values.get(name) ?? "") !== "";
}
