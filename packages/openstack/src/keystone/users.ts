import type { UserId } from "@cairn/kernel";

export interface User {
  readonly id: UserId;
  readonly name: string;
  readonly domainId: string;
  readonly enabled: boolean;
  readonly email: string | undefined;
  readonly defaultProjectId: string | undefined;
}

export interface Users {
  find(id: UserId, signal?: AbortSignal): Promise<User | undefined>;
  get(id: UserId, signal?: AbortSignal): Promise<User>;
  list(
    filter: { readonly name?: string; readonly domainId?: string },
    signal?: AbortSignal,
  ): Promise<readonly User[]>;
}
