export interface Role {
  readonly id: string;
  readonly name: string;
  readonly domainId: string | undefined;
}

export interface Roles {
  find(id: string, signal?: AbortSignal): Promise<Role | undefined>;
  list(filter: { readonly name?: string }, signal?: AbortSignal): Promise<readonly Role[]>;
}
