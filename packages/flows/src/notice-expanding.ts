import {
  claimNotice,
  type Database,
  expandNotice,
  type Handle,
  listListeners,
  listNamedSettings,
  type NamedSettingRow,
  type NewDelivery,
  type NoticeRow,
} from "@cairn/database";
import { isForMail, resolveSmtp, SMTP_PASSWORD, type SmtpSettings } from "@cairn/domain";
import type { ProjectId } from "@cairn/kernel";

/** What counts for a project's mail now, and the row of the password that belongs to it. */
export interface ProjectSmtp {
  readonly settings: SmtpSettings;
  readonly password: NamedSettingRow | undefined;
}

/** Reads the settings of mail for a project. */
export async function readProjectSmtp(handle: Handle, projectId: ProjectId): Promise<ProjectSmtp> {
  const rows = await listNamedSettings(handle, { projectId, prefix: "smtp_", withHidden: true });
  const valuesOf = (isPublic: boolean): Map<string, string> =>
    new Map(
      rows.flatMap((row) =>
        row.is_public === isPublic && row.value !== null ? [[row.name, row.value] as const] : [],
      ),
    );
  const settings = resolveSmtp(valuesOf(false), valuesOf(true));
  const isCloud = settings.connection?.saidBy !== "project";
  const password = rows.find((row) => row.name === SMTP_PASSWORD && row.is_public === isCloud);
  return { settings, password };
}

/**
 * Finds out whom the oldest new notice concerns, and writes a delivery for each; false when there is none.
 * One transaction that locks the notice: engines share the work and tell nobody twice of it.
 */
export async function expandOnce(database: Database): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const notice = await claimNotice(transaction);
    if (notice === undefined) return false;
    const deliveries = [...(await byMail(transaction, notice)), ...(await byWebhooks(transaction, notice))];
    await expandNotice(transaction, notice.id, deliveries);
    return true;
  });
}

async function byMail(handle: Handle, { kind, project_id: projectId }: NoticeRow): Promise<NewDelivery[]> {
  if (!isForMail(kind)) return [];
  const { settings } = await readProjectSmtp(handle, projectId);
  if (!settings.isEnabled) return [];
  const lane = mailLane(settings.connection?.saidBy === "project" ? projectId : undefined);
  return [{ projectId, channel: "email", webhookId: null, lane, receiver: "" }];
}

/** The lane of a mail server: a project's own, or the cloud's. */
export function mailLane(projectId: ProjectId | undefined): string {
  return `mail ${projectId ?? "cloud"}`;
}

async function byWebhooks(handle: Handle, notice: NoticeRow): Promise<NewDelivery[]> {
  const about = { projectId: notice.project_id, event: notice.kind };
  return (await listListeners(handle, about)).map((hook) => ({
    projectId: hook.project_id,
    channel: "webhook",
    webhookId: hook.id,
    lane: `webhook ${hook.id}`,
    receiver: new URL(hook.url).host,
  }));
}
