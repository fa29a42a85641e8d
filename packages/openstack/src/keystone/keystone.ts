import type { ServiceClient } from "../wire/service-client.ts";
import { type ApplicationCredentials, applicationCredentials } from "./application-credentials.ts";
import { type Domains, domains } from "./domains.ts";
import { type Projects, projects } from "./projects.ts";
import { type Roles, roles } from "./roles.ts";
import { type Services, services } from "./services.ts";
import { type Tokens, tokens } from "./tokens.ts";
import { type Trusts, trusts } from "./trusts.ts";
import { type Users, users } from "./users.ts";

export interface Keystone {
  readonly tokens: Tokens;
  readonly trusts: Trusts;
  readonly applicationCredentials: ApplicationCredentials;
  readonly domains: Domains;
  readonly users: Users;
  readonly projects: Projects;
  readonly roles: Roles;
  readonly services: Services;
}

export function keystone(client: ServiceClient): Keystone {
  return {
    tokens: tokens(client),
    trusts: trusts(client),
    applicationCredentials: applicationCredentials(client),
    domains: domains(client),
    users: users(client),
    projects: projects(client),
    roles: roles(client),
    services: services(client),
  };
}
