import { assert, Rejection, type Secret } from "@cairn/kernel";
import { type Done, domainIdOf, findProject, findService, findUser, type SetUp } from "./lookup.ts";
import { planSetup, recordAfter, type Seen, type Step } from "./plan.ts";
import { describeThing } from "./things.ts";

const DESCRIPTION = "Cairn: backups of instances";

/** Makes what is missing, and says what was made or found. Called again it finds everything there. */
export async function setUpKeystone(setUp: SetUp, password: Secret): Promise<readonly Done[]> {
  const seen = await observe(setUp);
  const steps = planSetup(setUp.wanted, seen);
  const maker = new Maker(setUp, seen, password);
  const done: Done[] = [];
  const [first, ...rest] = steps;
  if (first === undefined) return done;
  const record = recordAfter(steps, seen);
  done.push(await maker.service(first, record));
  for (const step of rest) done.push(await maker.perform(step));
  return done;
}

async function observe(setUp: SetUp): Promise<Seen> {
  const { keystone, wanted, signal } = setUp;
  const domainId = await domainIdOf(setUp, wanted.domain);
  await assertRegion(setUp);
  const service = await findService(setUp);
  const endpoints =
    service === undefined ? [] : await keystone.services.listEndpoints({ serviceId: service.id }, signal);
  const roles = await keystone.roles.list({}, signal);
  const project = await findProject(setUp, domainId, wanted.project);
  const user = await findUser(setUp, domainId, wanted.user);
  const granted =
    project === undefined || user === undefined
      ? []
      : await keystone.projects.listRoles(project.id, user.id, signal);
  // Roles of a domain have the names of others; the cloud's own have none.
  const own = roles.filter((role) => role.domainId === undefined);
  return {
    domainId,
    service,
    endpoints,
    roles: own,
    project,
    user,
    grantedRoleIds: granted.map(({ id }) => id),
  };
}

/** Keystone would refuse the endpoints, which come last; so it is asked before anything is made. */
async function assertRegion({ keystone, wanted, signal }: SetUp): Promise<void> {
  const regions = await keystone.services.listRegions(signal);
  if (regions.includes(wanted.region)) return;
  throw new Rejection(`Keystone has no region ${wanted.region}.`, {
    status: 404,
    field: "--region",
    value: wanted.region,
    remedy: `It has ${regions.join(", ")}.`,
  });
}

/** Carries out the steps of one set-up; what is made is remembered for later steps. */
class Maker {
  readonly #setUp: SetUp;
  readonly #password: Secret;
  #seen: Seen;

  constructor(setUp: SetUp, seen: Seen, password: Secret) {
    this.#setUp = setUp;
    this.#seen = seen;
    this.#password = password;
  }

  /** The service, with the record of all that is going to be made: what a crash leaves can be taken away. */
  async service(step: Step, record: readonly string[]): Promise<Done> {
    const { keystone, wanted, isDryRun, signal } = this.#setUp;
    const before = this.#seen.service;
    if (isDryRun) return doneOf(step, "would ");
    const service =
      before === undefined
        ? await keystone.services.create(
            { type: wanted.serviceType, name: wanted.serviceName, description: DESCRIPTION, made: record },
            signal,
          )
        : record.length === before.made.length
          ? before
          : await keystone.services.setMade(before.id, record, signal);
    this.#seen = { ...this.#seen, service };
    return doneOf(step, "", service.id);
  }

  async perform(step: Step): Promise<Done> {
    if (step.action === "keep") return doneOf(step, "", step.id);
    if (this.#setUp.isDryRun) return doneOf(step, "would ");
    return doneOf(step, "", await this.#make(step));
  }

  async #make({ thing, ...step }: Exclude<Step, { action: "keep" }>): Promise<string> {
    const { keystone, wanted, signal } = this.#setUp;
    const { domainId } = this.#seen;
    switch (thing.kind) {
      case "service":
        return this.#seen.service?.id ?? "";
      case "role": {
        const role = await keystone.roles.create({ name: thing.role }, signal);
        this.#seen = { ...this.#seen, roles: [...this.#seen.roles, role] };
        return role.id;
      }
      case "project": {
        const creation = { name: thing.project, domainId, description: DESCRIPTION };
        const project = await keystone.projects.create(creation, signal);
        this.#seen = { ...this.#seen, project };
        return project.id;
      }
      case "user": {
        const home = this.#seen.project === undefined ? {} : { defaultProjectId: this.#seen.project.id };
        const creation = { name: thing.user, domainId, password: this.#password, description: DESCRIPTION };
        const user = await keystone.users.create({ ...creation, ...home }, signal);
        this.#seen = { ...this.#seen, user };
        return user.id;
      }
      case "grant":
        return this.#grant(thing.role);
      case "endpoint": {
        const url = wanted.urls[thing.side];
        if (step.action === "change")
          return (await keystone.services.updateEndpoint(step.id, { url }, signal)).id;
        const serviceId = this.#seen.service?.id ?? "";
        const endpoint = { serviceId, interface: thing.side, region: thing.region, url };
        return (await keystone.services.createEndpoint(endpoint, signal)).id;
      }
    }
  }

  async #grant(name: string): Promise<string> {
    const { project, user, roles } = this.#seen;
    const role = roles.find((each) => each.name === name);
    assert(project !== undefined && user !== undefined && role !== undefined, "made before it is granted");
    const { keystone, signal } = this.#setUp;
    await keystone.projects.grant({ projectId: project.id, userId: user.id, roleId: role.id }, signal);
    return role.id;
  }
}

function doneOf(step: Step, would: "" | "would ", id?: string): Done {
  const words = would === "" ? PAST : PLAIN;
  const action = step.action === "keep" ? "found" : `${would}${words[step.action]}`;
  return { thing: describeThing(step.thing), action, id: id ?? (step.action === "make" ? null : step.id) };
}

const PAST = { make: "made", change: "changed" } as const;
const PLAIN = { make: "make", change: "change" } as const;
