import { join } from "node:path";
import { LOOPBACK, PORTS, REGION, type Settings, urlOf } from "../settings.ts";
import type { Ini, IniSection } from "./ini.ts";

/** Users of the project `service`. */
export const SERVICE_USERS = ["glance", "placement", "nova", "neutron", "cinder"] as const;
export type ServiceUser = (typeof SERVICE_USERS)[number];

export const DATABASE_USER = "openstack";
export const RABBIT_USER = "openstack";

export const DATABASES = [
  "keystone",
  "glance",
  "placement",
  "nova",
  "nova_api",
  "nova_cell0",
  "neutron",
  "cinder",
] as const;
export type DatabaseName = (typeof DATABASES)[number];

export function databaseUrl(settings: Settings, name: DatabaseName): string {
  const user = `${DATABASE_USER}:${settings.secrets.databasePassword}`;
  return `mysql+pymysql://${user}@${LOOPBACK}:${PORTS.database}/${name}?charset=utf8`;
}

/** Small pools: eight services share one database server. */
export function databaseSection(settings: Settings, name: DatabaseName): IniSection {
  return { connection: databaseUrl(settings, name), max_pool_size: 5, max_overflow: 20 };
}

export function transportUrl({ secrets }: Settings): string {
  return `rabbit://${RABBIT_USER}:${secrets.rabbitPassword}@${LOOPBACK}:${PORTS.rabbit}/`;
}

/** How a service proves to another one who it is. */
export function passwordAuth({ secrets }: Settings, user: ServiceUser): IniSection {
  return {
    auth_type: "password",
    auth_url: urlOf("keystone"),
    project_domain_name: "Default",
    user_domain_name: "Default",
    project_name: "service",
    username: user,
    password: secrets.servicePassword,
  };
}

export function clientSection(settings: Settings, user: ServiceUser): IniSection {
  return { ...passwordAuth(settings, user), region_name: REGION };
}

/** How an API checks its callers' tokens. Service tokens count only from users with the role `service`. */
export function authTokenSection(settings: Settings, user: ServiceUser): IniSection {
  return {
    www_authenticate_uri: urlOf("keystone"),
    memcached_servers: `${LOOPBACK}:${PORTS.memcached}`,
    ...passwordAuth(settings, user),
    service_token_roles_required: true,
    service_token_roles: "service",
  };
}

/** The token that goes along with a user's own, so that long work outlives the user's token. */
export function serviceUserSection(settings: Settings, user: ServiceUser): IniSection {
  return { ...clientSection(settings, user), send_service_user_token: true };
}

/**
 * Started directly: rootwrap and sudo accept configuration below /etc only, and sudo would forget the PATH
 * that finds the stand-ins.
 */
export function privsepSections(configFile: string, contexts: readonly string[]): Ini {
  const helper: IniSection = { helper_command: `privsep-helper --config-file ${configFile}` };
  return Object.fromEntries(contexts.map((context) => [context, helper]));
}

/** No thread for heartbeats: eventlet services answer for themselves. */
export const RABBIT_SECTION: IniSection = { heartbeat_in_pthread: false };

export const NOTIFICATIONS_OFF: Ini = { oslo_messaging_notifications: { driver: "noop" } };
export const NOTIFICATIONS_ON: Ini = {
  oslo_messaging_notifications: { driver: "messagingv2", topics: "notifications" },
};

export function lockSection({ layout }: Settings, service: string): IniSection {
  return { lock_path: join(layout.data, service, "lock") };
}

/** One process of uWSGI for a WSGI application of Debian's. */
export interface WebProcess {
  readonly port: number;
  readonly application: string;
  readonly processes: number;
  readonly name: string;
}

/** `lazy-apps`: database connections must not be inherited by workers. Connections end with their answer. */
export function uwsgiIni({ port, application, processes, name }: WebProcess, more: IniSection = {}): Ini {
  return {
    uwsgi: {
      plugin: "python3",
      "http-socket": `${LOOPBACK}:${port}`,
      "wsgi-file": application,
      master: true,
      processes,
      threads: 8,
      "enable-threads": true,
      "lazy-apps": true,
      "need-app": true,
      "die-on-term": true,
      "buffer-size": 65_535,
      "procname-prefix": name,
      "add-header": "Connection: close",
      ...more,
    },
  };
}
