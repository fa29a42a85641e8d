import { Rejection, Secret, unreachable } from "@cairn/kernel";
import type {
  CloudAccess,
  Credentials,
  DomainReference,
  EndpointInterface,
  NamedReference,
  Scope,
} from "./credentials.ts";

/** Environment variables; `process.env` has this form. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the OpenStack client's variables (`OS_AUTH_URL`, …) say; a Rejection names what is missing. */
export function credentialsFromEnvironment(env: Environment): CloudAccess {
  const setting = (name: SettingName): string | undefined =>
    filled(env[variableOf(name)]) ?? filled(env[LEGACY[name] ?? ""]);
  return accessFrom({ setting, nameOf: variableOf, where: "the environment" });
}

/**
 * What one cloud of a `clouds.yaml` says, given the file's content as YAML parsed it. What people keep out of
 * files, and only that, is taken from the environment when the file leaves it out: secrets, region and
 * interface.
 */
export function credentialsFromClouds(content: unknown, cloudName: string, env: Environment): CloudAccess {
  const clouds = record(record(content)["clouds"]);
  const cloud = clouds[cloudName];
  if (cloud === undefined) {
    const names = Object.keys(clouds);
    throw new Rejection(`clouds.yaml has no cloud "${cloudName}"`, {
      status: 400,
      field: "OS_CLOUD",
      value: cloudName,
      remedy: names.length === 0 ? "It names no cloud at all." : `Choose one of: ${names.join(", ")}.`,
    });
  }
  const entry = record(cloud);
  const auth = record(entry["auth"]);
  const setting = (name: SettingName): string | undefined =>
    scalar(auth[name]) ??
    scalar(entry[name]) ??
    scalar(entry[CLOUDS_LEGACY[name] ?? ""]) ??
    (FROM_ENVIRONMENT.includes(name) ? filled(env[variableOf(name)]) : undefined);
  const where = `cloud "${cloudName}" of clouds.yaml`;
  return accessFrom({ setting, nameOf: (name) => `auth.${name}`, where });
}

/** The names of `clouds.yaml`; those of the environment are the same in capitals with `OS_` before them. */
type SettingName =
  | "auth_type"
  | "auth_url"
  | "username"
  | "user_id"
  | "user_domain_name"
  | "user_domain_id"
  | "password"
  | "token"
  | "application_credential_id"
  | "application_credential_name"
  | "application_credential_secret"
  | "trust_id"
  | "project_name"
  | "project_id"
  | "project_domain_name"
  | "project_domain_id"
  | "domain_name"
  | "domain_id"
  | "default_domain"
  | "system_scope"
  | "region_name"
  | "interface"
  | "insecure"
  | "verify";

const LEGACY: Partial<Record<SettingName, string>> = {
  project_name: "OS_TENANT_NAME",
  project_id: "OS_TENANT_ID",
  interface: "OS_ENDPOINT_TYPE",
  token: "OS_AUTH_TOKEN",
};

const CLOUDS_LEGACY: Partial<Record<SettingName, string>> = { interface: "endpoint_type" };

const FROM_ENVIRONMENT: readonly SettingName[] = [
  "password",
  "token",
  "application_credential_secret",
  "region_name",
  "interface",
  "insecure",
];

function variableOf(name: SettingName): string {
  return `OS_${name.toUpperCase()}`;
}

interface Settings {
  readonly setting: (name: SettingName) => string | undefined;
  /** What a person has to write to set it. */
  readonly nameOf: (name: SettingName) => string;
  readonly where: string;
}

function accessFrom(settings: Settings): CloudAccess {
  const region = settings.setting("region_name");
  return {
    authUrl: parseUrl(settings, required(settings, "auth_url")),
    credentials: parseCredentials(settings),
    interface: parseInterface(settings, settings.setting("interface")),
    ...(isInsecure(settings) ? { tls: { isInsecure: true } } : {}),
    ...(region === undefined ? {} : { region }),
  };
}

/** `OS_INSECURE`, or `insecure: true` or `verify: false` of a cloud; an odd word is not believed. */
function isInsecure({ setting }: Settings): boolean {
  return (
    /^(?:true|1|yes)$/i.test(setting("insecure") ?? "") || /^(?:false|no)$/i.test(setting("verify") ?? "")
  );
}

function parseUrl(settings: Settings, url: string): string {
  if (URL.canParse(url) && /^https?:/.test(url)) return url.replace(/\/+$/, "");
  throw new Rejection(`${settings.nameOf("auth_url")} in ${settings.where} is not an http address`, {
    status: 400,
    field: settings.nameOf("auth_url"),
    value: url,
    remedy: "It looks like https://keystone.example.org:5000/v3.",
  });
}

function parseInterface(settings: Settings, text: string | undefined): EndpointInterface {
  const word = (text ?? "public").replace(/URL$/, "");
  if (word === "public" || word === "internal" || word === "admin") return word;
  throw new Rejection(`${settings.nameOf("interface")} in ${settings.where} is no interface`, {
    status: 400,
    field: settings.nameOf("interface"),
    value: text,
    remedy: "It is one of public, internal, admin.",
  });
}

/** `auth_type` decides when it is there; else whichever proof is there, the narrower one first. */
function parseCredentials(settings: Settings): Credentials {
  const { setting } = settings;
  const kind = authKind(settings);
  switch (kind) {
    case "application-credential":
      return parseApplicationCredential(settings);
    case "token": {
      const scope = parseScope(settings);
      const token = new Secret(required(settings, "token"));
      return { kind: "token", token, ...(scope.kind === "unscoped" ? {} : { scope }) };
    }
    case "password": {
      const password = new Secret(required(settings, "password"));
      const user = requiredNamed(settings, USER);
      const trustId = setting("trust_id");
      if (trustId !== undefined) return { kind: "trust", user, password, trustId };
      return { kind: "password", user, password, scope: parseScope(settings) };
    }
    default:
      return unreachable(kind);
  }
}

function authKind(settings: Settings): "password" | "token" | "application-credential" {
  const type = settings.setting("auth_type")?.replace(/^v3/, "");
  if (type === "password" || type === "token") return type;
  if (type === "applicationcredential") return "application-credential";
  if (type !== undefined) {
    throw new Rejection(`${settings.nameOf("auth_type")} ${type} in ${settings.where} is not supported`, {
      status: 400,
      field: settings.nameOf("auth_type"),
      value: settings.setting("auth_type"),
      remedy: "It is one of v3password, v3token, v3applicationcredential.",
    });
  }
  const { setting } = settings;
  if ((setting("application_credential_id") ?? setting("application_credential_name")) !== undefined) {
    return "application-credential";
  }
  return setting("token") !== undefined && setting("password") === undefined ? "token" : "password";
}

function parseApplicationCredential(settings: Settings): Credentials {
  const secret = new Secret(required(settings, "application_credential_secret"));
  const id = settings.setting("application_credential_id");
  if (id !== undefined) return { kind: "application-credential", credential: { id }, secret };
  const name = required(settings, "application_credential_name");
  const user = requiredNamed(settings, USER);
  return { kind: "application-credential", credential: { name, user }, secret };
}

function parseScope(settings: Settings): Scope {
  const { setting } = settings;
  const project = named(settings, PROJECT);
  if (project !== undefined) return { kind: "project", project };
  if (setting("system_scope") === "all") return { kind: "system" };
  const domain = domainOf(setting("domain_id"), setting("domain_name"));
  return domain === undefined ? { kind: "unscoped" } : { kind: "domain", domain };
}

interface NamedSettings {
  readonly id: SettingName;
  readonly name: SettingName;
  readonly domainId: SettingName;
  readonly domainName: SettingName;
}

const USER: NamedSettings = {
  id: "user_id",
  name: "username",
  domainId: "user_domain_id",
  domainName: "user_domain_name",
};

const PROJECT: NamedSettings = {
  id: "project_id",
  name: "project_name",
  domainId: "project_domain_id",
  domainName: "project_domain_name",
};

function named({ setting }: Settings, names: NamedSettings): NamedReference | undefined {
  const id = setting(names.id);
  if (id !== undefined) return { id };
  const name = setting(names.name);
  if (name === undefined) return undefined;
  // The OpenStack client, too, takes the domain with the id `default` when nobody says which.
  const domain = domainOf(setting(names.domainId), setting(names.domainName)) ?? {
    id: setting("default_domain") ?? "default",
  };
  return { name, domain };
}

function domainOf(id: string | undefined, name: string | undefined): DomainReference | undefined {
  if (id !== undefined) return { id };
  return name === undefined ? undefined : { name };
}

function requiredNamed(settings: Settings, names: NamedSettings): NamedReference {
  return named(settings, names) ?? missing(settings, names.name);
}

function required(settings: Settings, name: SettingName): string {
  return settings.setting(name) ?? missing(settings, name);
}

function missing(settings: Settings, name: SettingName): never {
  const field = settings.nameOf(name);
  throw new Rejection(`${field} is missing in ${settings.where}`, {
    status: 400,
    field,
    remedy: `Set ${field}, source your cloud's openrc file, or name a cloud of clouds.yaml with OS_CLOUD.`,
  });
}

function filled(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}

/** YAML reads an unquoted 1234 as a number; a name or an id is a text all the same. */
function scalar(value: unknown): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" ? filled(value) : undefined;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
