import { fullPaths, routeIds, routeOf } from "@cairn/contract";
import type { RawRequest, Secrets, World } from "./secrets-world.ts";

const LONG = "x".repeat(9000);

/** Requests with a mistake beside each secret, or in it. */
export function wrongRequests(secrets: Secrets): readonly RawRequest[] {
  const { smtpPassword, settingValue, webhook, wrongPassword } = secrets;
  const settings = (setting: object, method = "POST"): RawRequest => ({
    method,
    path: "/settings",
    body: { settings: [setting] },
  });
  const hook = (fields: object): RawRequest => ({
    method: "POST",
    path: "/notifications/webhooks",
    body: { webhook: { name: "wrong", url: "https://example.org/", ...fields } },
  });
  const target = (fields: object): RawRequest => ({
    method: "POST",
    path: "/backup_targets",
    isAdmins: true,
    body: { backup_target: { type: "s3", s3_bucket: "b", s3_endpoint_url: "http://127.0.0.1:9", ...fields } },
  });
  const password = encodeURIComponent(smtpPassword);
  return [
    settings({ name: "smtp_server_password", value: smtpPassword + LONG }),
    settings({ name: "smtp_server_password", value: { is: smtpPassword } }),
    settings({ name: "smtp_server_password", value: [smtpPassword] }),
    settings({ name: "smtp_server_password", value: smtpPassword, is_public: "perhaps" }),
    settings({ name: "smtp_server_password", values: smtpPassword }),
    settings({ name: "smtp_server_password", value: `${smtpPassword}\n`, metadata: 1 }),
    settings({ name: "none", value: settingValue, type: "secret" }, "PUT"),
    settings({ name: "vault!", value: settingValue, type: "secret" }),
    { method: "POST", path: "/settings", body: { settings: smtpPassword } },
    { method: "POST", path: "/settings", body: `{"settings": [{"value": "${smtpPassword}` },
    { method: "POST", path: "/settings", body: smtpPassword },
    { method: "GET", path: `/workloads/email/test_email?smtp_port=none&smtp_server_password=${password}` },
    { method: "GET", path: `/workloads/email/test_email?smtp_server_password=${password}${LONG}` },
    hook({ secret: `${webhook}${LONG}` }),
    hook({ secret: webhook.slice(0, -12) + wrongPassword }),
    hook({ secret: wrongPassword }),
    hook({ secret: [webhook] }),
    hook({ secret: webhook, url: "ftp://example.org" }),
    hook({ url: `https://user:${encodeURIComponent(wrongPassword)}@example.org/` }),
    target({ secret_ref: "no reference", s3_secret_key: wrongPassword, s3_access_key: wrongPassword }),
    target({ s3_endpoint_url: `http://user:${encodeURIComponent(wrongPassword)}@127.0.0.1:9` }),
    { method: "GET", path: "/workloads", token: wrongPassword.replaceAll("&", "") },
    { method: "GET", path: `/workloads?X-Auth-Token=${password}&limit=none` },
    { method: "POST", path: "/trusts", body: { trusts: { role_name: 1, password: wrongPassword } } },
  ];
}

/** Asks for everything that can be asked for, of each kind the first that is there. */
export async function askEverything(world: World, user: string, project: string): Promise<void> {
  const known = await someOfEach(world);
  for (const id of routeIds) {
    const route = routeOf(id);
    if (!route.methods.includes("GET") || (route.effect !== "read" && route.effect !== "inspect")) continue;
    for (const path of fullPaths(route).filter((each) => each.startsWith("/v1/{project_id}"))) {
      const filled = path
        .slice("/v1/{project_id}".length)
        .replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? "none");
      await world.ask(user, project, { method: "GET", path: filled });
    }
  }
  await world.ask(user, project, { method: "GET", path: "/settings?get_hidden=true" });
  await world.ask(user, project, { method: "POST", path: "/workloads/settings" });
}

async function someOfEach({ tree }: World): Promise<Record<string, string>> {
  const { handle } = tree.database;
  const first = async (table: "workload" | "snapshot" | "restore" | "webhook" | "delivery") =>
    (await handle.selectFrom(table).select("id").executeTakeFirst())?.id ?? "none";
  const target = await handle.selectFrom("target").select("id").where("kind", "=", "s3").executeTakeFirst();
  const type = await handle.selectFrom("target_type").select("id").executeTakeFirst();
  const trust = await handle.selectFrom("trust").select("trust_id").executeTakeFirst();
  return {
    workload_id: await first("workload"),
    snapshot_id: await first("snapshot"),
    restore_id: await first("restore"),
    webhook_id: await first("webhook"),
    delivery_id: await first("delivery"),
    backup_target_id: target?.id ?? "none",
    backup_target_type_id: type?.id ?? "none",
    trust_name: `trust-${trust?.trust_id ?? ""}`,
    setting_name: "smtp_server_password",
  };
}
