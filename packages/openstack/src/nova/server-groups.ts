import type { InstanceId } from "@cairn/kernel";

export interface ServerGroup {
  readonly id: string;
  readonly name: string;
  readonly policy: string;
  readonly members: readonly InstanceId[];
}

export interface ServerGroups {
  list(signal?: AbortSignal): Promise<readonly ServerGroup[]>;
  find(id: string, signal?: AbortSignal): Promise<ServerGroup | undefined>;
  create(
    group: { readonly name: string; readonly policy: string },
    signal?: AbortSignal,
  ): Promise<ServerGroup>;
  delete(id: string, signal?: AbortSignal): Promise<void>;
}
