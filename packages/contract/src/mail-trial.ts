import { SMTP_SECURITIES, type SmtpConnection } from "@cairn/domain";
import { Secret } from "@cairn/kernel";
import { Type } from "typebox";
import { parseAs } from "./parse.ts";

/** What a trial mail is sent with: of settings that may be stored nowhere. It lies sealed in its delivery. */
export interface MailTrial {
  readonly connection: SmtpConnection;
  readonly password: Secret | undefined;
  readonly recipients: readonly string[];
}

const Written = Type.Object({
  connection: Type.Object({
    saidBy: Type.Union([Type.Literal("project"), Type.Literal("cloud")]),
    host: Type.String(),
    port: Type.Integer(),
    security: Type.Enum([...SMTP_SECURITIES]),
    username: Type.Optional(Type.String()),
    timeoutMs: Type.Integer(),
    sender: Type.Optional(Type.String()),
  }),
  password: Type.Optional(Type.String()),
  recipients: Type.Array(Type.String()),
});

/** A trial as text, with its password: to be sealed at once. */
export function writeMailTrial({ connection, password, recipients }: MailTrial): Secret {
  return new Secret(JSON.stringify({ connection, password: password?.reveal(), recipients }));
}

/** Reads what `writeMailTrial` wrote. */
export function readMailTrial(text: Secret): MailTrial {
  const { connection, password, recipients } = parseAs(Written, JSON.parse(text.reveal()));
  const { username, sender, ...rest } = connection;
  return {
    connection: { ...rest, username, sender },
    password: password === undefined ? undefined : new Secret(password),
    recipients,
  };
}
