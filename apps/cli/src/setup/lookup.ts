import { Rejection } from "@cairn/kernel";
import type { Keystone, Project, Service, User } from "@cairn/openstack";
import type { Wanted } from "./plan.ts";

/** What happened to one thing, for people and for scripts. */
export interface Done {
  readonly thing: string;
  readonly action: string;
  readonly id: string | null;
}

export interface SetUp {
  readonly keystone: Keystone;
  readonly wanted: Wanted;
  /** Only says what would be done. */
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** The service that clients find, by its type; of several the one with our name. */
export async function findService({ keystone, wanted, signal }: SetUp): Promise<Service | undefined> {
  const services = await keystone.services.list({ type: wanted.serviceType }, signal);
  return services.find((each) => each.name === wanted.serviceName) ?? services[0];
}

/** A Rejection when there is none. */
export async function domainIdOf({ keystone, signal }: SetUp, name: string): Promise<string> {
  const [domain] = await keystone.domains.list({ name }, signal);
  if (domain !== undefined) return domain.id;
  throw new Rejection(`Keystone has no domain ${name}.`, {
    status: 404,
    field: "--domain",
    value: name,
    remedy: "See: openstack domain list",
  });
}

/** The project of this name in the domain. */
export async function findProject(
  { keystone, signal }: SetUp,
  domainId: string,
  name: string,
): Promise<Project | undefined> {
  return (await keystone.projects.list({ name, domainId }, signal))[0];
}

/** The user of this name in the domain. */
export async function findUser(
  { keystone, signal }: SetUp,
  domainId: string,
  name: string,
): Promise<User | undefined> {
  return (await keystone.users.list({ name, domainId }, signal))[0];
}
