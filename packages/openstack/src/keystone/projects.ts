import type { ProjectId, UserId } from "@cairn/kernel";

export interface Project {
  readonly id: ProjectId;
  readonly name: string;
  readonly domainId: string;
  readonly description: string;
  readonly enabled: boolean;
}

export interface Projects {
  find(id: ProjectId, signal?: AbortSignal): Promise<Project | undefined>;
  get(id: ProjectId, signal?: AbortSignal): Promise<Project>;
  list(
    filter: { readonly name?: string; readonly domainId?: string },
    signal?: AbortSignal,
  ): Promise<readonly Project[]>;
  /** The projects that our own token's user may enter; needs no admin role. */
  listOwn(signal?: AbortSignal): Promise<readonly Project[]>;
  /** The roles that a user was given in a project, direct ones only. */
  listRoles(
    projectId: ProjectId,
    userId: UserId,
    signal?: AbortSignal,
  ): Promise<readonly { readonly id: string; readonly name: string }[]>;
}
