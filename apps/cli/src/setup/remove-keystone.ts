import type { Service } from "@cairn/openstack";
import { type Done, domainIdOf, findProject, findService, findUser, type SetUp } from "./lookup.ts";
import { planRemoval } from "./plan.ts";
import { describeThing, type Thing } from "./things.ts";

/** Takes away what `setUpKeystone` made, and nothing else; says what stays and why. */
export async function removeFromKeystone(setUp: SetUp): Promise<readonly Done[]> {
  const service = await findService(setUp);
  if (service === undefined) return [];
  const things = planRemoval(service);
  const done: Done[] = [];
  for (const thing of things) {
    const action = setUp.isDryRun ? "would remove" : await remove(setUp, thing, service);
    done.push({ thing: describeThing(thing), action, id: null });
  }
  // A service that somebody else made stays, without our record.
  const isOurs = things.some((thing) => thing.kind === "service");
  if (!isOurs && things.length > 0 && !setUp.isDryRun) {
    await setUp.keystone.services.setMade(service.id, [], setUp.signal);
  }
  return done;
}

type Removed = "removed" | "gone already" | "kept, others use it";

async function remove(setUp: SetUp, thing: Thing, service: Service): Promise<Removed> {
  const { keystone, signal } = setUp;
  switch (thing.kind) {
    case "service":
      await keystone.services.delete(service.id, signal);
      return "removed";
    case "endpoint": {
      const all = await keystone.services.listEndpoints({ serviceId: service.id }, signal);
      const ours = all.filter((each) => each.interface === thing.side && each.region === thing.region);
      for (const each of ours) await keystone.services.deleteEndpoint(each.id, signal);
      return ours.length === 0 ? "gone already" : "removed";
    }
    case "role":
      return removeRole(setUp, thing.role);
    case "project":
      return removeProject(setUp, thing.domain, thing.project);
    case "user": {
      const user = await findUser(setUp, await domainIdOf(setUp, thing.domain), thing.user);
      if (user === undefined) return "gone already";
      await keystone.users.delete(user.id, signal);
      return "removed";
    }
    case "grant":
      return revoke(setUp, thing);
  }
}

async function revoke(setUp: SetUp, thing: Extract<Thing, { kind: "grant" }>): Promise<Removed> {
  const { keystone, signal } = setUp;
  const domainId = await domainIdOf(setUp, thing.domain);
  const user = await findUser(setUp, domainId, thing.user);
  const project = await findProject(setUp, domainId, thing.project);
  if (user === undefined || project === undefined) return "gone already";
  const held = await keystone.projects.listRoles(project.id, user.id, signal);
  const role = held.find((each) => each.name === thing.role);
  if (role === undefined) return "gone already";
  await keystone.projects.revoke({ projectId: project.id, userId: user.id, roleId: role.id }, signal);
  return "removed";
}

/** Deleting a role takes it from everybody; our own user's has gone before. */
async function removeRole({ keystone, signal }: SetUp, name: string): Promise<Removed> {
  const role = (await keystone.roles.list({ name }, signal)).find((each) => each.domainId === undefined);
  if (role === undefined) return "gone already";
  const holders = await keystone.roles.listAssignments({ roleId: role.id }, signal);
  if (holders.length > 0) return "kept, others use it";
  await keystone.roles.delete(role.id, signal);
  return "removed";
}

async function removeProject(setUp: SetUp, domain: string, name: string): Promise<Removed> {
  const { keystone, signal } = setUp;
  const project = await findProject(setUp, await domainIdOf(setUp, domain), name);
  if (project === undefined) return "gone already";
  const members = await keystone.roles.listAssignments({ projectId: project.id }, signal);
  if (members.length > 0) return "kept, others use it";
  await keystone.projects.delete(project.id, signal);
  return "removed";
}
