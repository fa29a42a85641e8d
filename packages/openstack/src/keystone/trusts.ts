import type { ProjectId, TrustId, UserId } from "@cairn/kernel";

/** Leave of one user (the trustor) for another (the trustee) to act in a project with some of the trustor's roles. */
export interface Trust {
  readonly id: TrustId;
  readonly trustorUserId: UserId;
  readonly trusteeUserId: UserId;
  readonly projectId: ProjectId | undefined;
  readonly impersonation: boolean;
  readonly roles: readonly { readonly id: string; readonly name: string }[];
  /** Milliseconds since 1970; undefined for a trust without an end. */
  readonly expiresAt: number | undefined;
}

export interface TrustCreation {
  /** Must be the user whose token asks. */
  readonly trustorUserId: UserId;
  readonly trusteeUserId: UserId;
  readonly projectId: ProjectId;
  readonly roleNames: readonly string[];
  readonly impersonation: boolean;
  readonly expiresAt?: number;
}

export interface Trusts {
  create(trust: TrustCreation, signal?: AbortSignal): Promise<Trust>;
  find(id: TrustId, signal?: AbortSignal): Promise<Trust | undefined>;
  list(
    filter: { readonly trustorUserId?: UserId; readonly trusteeUserId?: UserId },
    signal?: AbortSignal,
  ): Promise<readonly Trust[]>;
  delete(id: TrustId, signal?: AbortSignal): Promise<void>;
}
