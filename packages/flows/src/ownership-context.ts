import type { Database } from "@cairn/database";
import { type OwnerStanding, type OwnersHere, type OwnerTriple, standingOf } from "@cairn/domain";
import { asId, type Clock, type Secret } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { Log } from "./step.ts";

/** What looks at targets, and changes what is owned there, has at hand. */
export interface OwnershipContext {
  readonly database: Database;
  readonly masterKey: Secret<Buffer>;
  /** OpenStack as the service user. */
  readonly admin: Cloud;
  readonly cloudId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told again and again, for whoever waits. */
  readonly onProgress: (progress: LookProgress) => void;
}

/** Which cloud this is: what the operator said, or who the service user is, whom only one cloud has. */
export async function cloudIdOf(
  { cloudId, admin }: { readonly cloudId?: string | undefined; readonly admin: Pick<Cloud, "userId"> },
  signal: AbortSignal,
): Promise<string> {
  return cloudId ?? (await admin.userId(signal));
}

/** How far it is, for people. */
export interface LookProgress {
  readonly doing: string;
  readonly repositories: number;
  readonly repositoriesKnown: number;
  readonly workloads: number;
}

/** What Keystone knows of projects and users, each asked for once. */
export class ProjectsAndUsers {
  readonly #context: OwnershipContext;
  readonly #projects = new Map<string, Promise<boolean>>();
  readonly #users = new Map<string, Promise<boolean>>();

  constructor(context: OwnershipContext) {
    this.#context = context;
  }

  async standingOf(owner: OwnerTriple): Promise<OwnerStanding> {
    const { cloudId, admin, signal } = this.#context;
    const isHere = owner.cloudId === undefined || owner.cloudId === cloudId;
    const hasProject =
      isHere &&
      (await once(this.#projects, owner.projectId, async (id) => {
        return (await admin.keystone.projects.find(asId(id), signal)) !== undefined;
      }));
    const hasUser =
      isHere &&
      (await once(this.#users, owner.userId, async (id) => {
        return (await admin.keystone.users.find(asId(id), signal)) !== undefined;
      }));
    const here: OwnersHere = { cloudId, hasProject: () => hasProject, hasUser: () => hasUser };
    return standingOf(owner, here);
  }
}

async function once(
  known: Map<string, Promise<boolean>>,
  id: string,
  ask: (id: string) => Promise<boolean>,
): Promise<boolean> {
  const asked = known.get(id) ?? ask(id);
  known.set(id, asked);
  return asked;
}
