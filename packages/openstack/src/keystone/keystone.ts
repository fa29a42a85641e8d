import type { ApplicationCredentials } from "./application-credentials.ts";
import type { Projects } from "./projects.ts";
import type { Roles } from "./roles.ts";
import type { Services } from "./services.ts";
import type { Tokens } from "./tokens.ts";
import type { Trusts } from "./trusts.ts";
import type { Users } from "./users.ts";

export interface Keystone {
  readonly tokens: Tokens;
  readonly trusts: Trusts;
  readonly applicationCredentials: ApplicationCredentials;
  readonly users: Users;
  readonly projects: Projects;
  readonly roles: Roles;
  readonly services: Services;
}
