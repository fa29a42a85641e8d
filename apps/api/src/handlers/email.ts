import { type MailTrial, writeMailTrial } from "@cairn/contract";
import {
  findDelivery,
  type ListedDelivery,
  listNamedSettings,
  type NamedSettingRow,
  writeTrial,
} from "@cairn/database";
import {
  isSmtpSetting,
  resolveSmtp,
  SMTP_PASSWORD,
  SMTP_SETTINGS,
  type SmtpSetting,
  smtpProblem,
} from "@cairn/domain";
import { Fault, Rejection, Secret } from "@cairn/kernel";
import type { Caller } from "../policy.ts";
import type { ApiRequest, Handlers } from "../server.ts";
import type { World } from "../world.ts";

type EmailHandlers = Pick<Handlers, "showEmailSettings" | "testEmail">;

/** What is done with the settings of mail as a whole. */
export function emailHandlers(world: World): EmailHandlers {
  return {
    showEmailSettings: async ({ caller }) => ({ settings: effective(await readRows(world, caller)) }),
    testEmail: async (request) => trial(world, request),
  };
}

/** The rows of settings of mail that a project's mail could go by. */
async function readRows(world: World, { projectId }: Caller): Promise<NamedSettingRow[]> {
  const rows = await listNamedSettings(world.database.handle, {
    projectId,
    prefix: "smtp_",
    withHidden: true,
  });
  return rows.filter((row) => isSmtpSetting(row.name));
}

type Values = Map<string, string>;

function valuesOf(rows: readonly NamedSettingRow[], isPublic: boolean): Values {
  return new Map(
    rows.flatMap((row) =>
      row.is_public === isPublic && row.value !== null ? [[row.name, row.value] as const] : [],
    ),
  );
}

/** What counts, as clients read it. Where a project has its own server, the cloud's is none of its. */
function effective(rows: readonly NamedSettingRow[]): Record<string, string> {
  const { connection, defaultRecipients, isEnabled } = resolveSmtp(
    valuesOf(rows, false),
    valuesOf(rows, true),
  );
  return {
    ...(connection === undefined
      ? {}
      : {
          smtp_server_name: connection.host,
          smtp_port: String(connection.port),
          smtp_server_username: connection.username ?? "",
          smtp_timeout: String(connection.timeoutMs / 1000),
          smtp_security: connection.security,
          smtp_default_sender: connection.sender ?? "",
        }),
    smtp_default_recipient: defaultRecipients.join(", "),
    smtp_email_enable: isEnabled ? "1" : "0",
  };
}

/** Longer than an attempt may last, and shorter than a request. */
const TRIAL_MS = 45_000;
const LOOK_MS = 500;

/**
 * Has an engine send the mail, and waits for it: engines alone reach out of the cloud, by the rules that
 * operators gave them.
 */
async function trial(world: World, request: ApiRequest<"testEmail">) {
  const { caller, query, signal } = request;
  const asked = trialOf(world, await readRows(world, caller), { query, caller });
  const id = await world.database.transaction((transaction) =>
    writeTrial(
      transaction,
      { kind: "email.test", projectId: caller.projectId, userId: caller.userId },
      {
        projectId: caller.projectId,
        channel: "email",
        webhookId: null,
        lane: `trial ${caller.projectId}`,
        receiver: asked.recipients.join(", "),
        seal: (deliveryId) => world.seal.close(writeMailTrial(asked), deliveryId),
      },
    ),
  );
  const ended = await endOf(world, id, signal);
  if (ended.state === "sent") {
    const message = "Testing email configuration: the mail server took the mail.";
    return { message, delivery_id: id, recipients: [...asked.recipients] };
  }
  throw new Rejection(`The test mail was not sent: ${ended.message ?? ended.state}.`, {
    status: 400,
    field: "smtp_server_name",
    value: asked.connection.host,
    remedy: "Correct the settings smtp_*, or the mail server; then try again.",
  });
}

async function endOf(world: World, id: string, signal: AbortSignal): Promise<ListedDelivery> {
  const { database, clock } = world;
  const deadlineMs = clock.now() + TRIAL_MS;
  for (;;) {
    const row = await findDelivery(database.handle, { id });
    if (row !== undefined && row.state !== "waiting") return row;
    if (clock.now() > deadlineMs) {
      throw new Fault("trial-unanswered", "waiting for an engine to send the test mail", "later");
    }
    await database.waitFor("cairn_delivery_ended", { payload: id, ms: LOOK_MS, signal });
  }
}

interface Asked {
  readonly query: Readonly<Partial<Record<SmtpSetting, string>>>;
  readonly caller: Caller;
}

/** What may be tried with a stored server; all else belongs to a server, which is then to be named. */
const OF_RECEIVERS = new Set<string>(["smtp_default_recipient", "smtp_email_enable"]);

function trialOf(world: World, rows: readonly NamedSettingRow[], { query, caller }: Asked): MailTrial {
  const given = givenValues(query);
  const [own, cloud] = [valuesOf(rows, false), valuesOf(rows, true)];
  // A server of the query is told what the query says of it, and nothing that is stored for another one.
  const isOther = given.has("smtp_server_name");
  const { smtp_server_password: word } = query;
  if (!isOther && (word !== undefined || [...given.keys()].some((name) => !OF_RECEIVERS.has(name)))) {
    throw wanting("smtp_server_name");
  }
  const { connection, defaultRecipients } = isOther
    ? resolveSmtp(given, new Map([...cloud, ...own]))
    : resolveSmtp(new Map([...own, ...given]), cloud);
  if (connection === undefined) throw wanting("smtp_server_name");
  if (connection.sender === undefined) throw wanting("smtp_default_sender");
  if (defaultRecipients.length === 0) throw wanting("smtp_default_recipient");
  const saidBy = isOther && caller.isAdmin ? "cloud" : connection.saidBy;
  const password = isOther ? givenPassword(query) : storedPassword(world, rows, saidBy === "cloud");
  return { connection: { ...connection, saidBy }, password, recipients: defaultRecipients };
}

function givenValues(query: Asked["query"]): Values {
  const values: Values = new Map();
  for (const name of SMTP_SETTINGS) {
    const value = query[name];
    if (value === undefined || name === SMTP_PASSWORD) continue;
    const problem = smtpProblem(name, value);
    if (problem !== undefined) {
      throw new Rejection(`Invalid value of setting ${name}: it ${problem}.`, {
        status: 400,
        field: name,
        value,
        remedy: `Give ${name} a value that ${problem.replace(/^must be/, "is")}.`,
      });
    }
    values.set(name, value);
  }
  return values;
}

function givenPassword(query: Asked["query"]): Secret | undefined {
  return query.smtp_server_password === undefined ? undefined : new Secret(query.smtp_server_password);
}

function storedPassword(
  world: World,
  rows: readonly NamedSettingRow[],
  isPublic: boolean,
): Secret | undefined {
  const row = rows.find(({ name, is_public }) => name === SMTP_PASSWORD && is_public === isPublic);
  return row === undefined || row.sealed === null ? undefined : world.seal.open(row.sealed, row.id);
}

function wanting(name: SmtpSetting): Rejection {
  return new Rejection(`The setting ${name} is not set.`, {
    status: 400,
    field: name,
    value: null,
    remedy: "Set it with POST /settings, or give it in the query.",
  });
}
