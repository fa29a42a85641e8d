import type { ProjectId, Secret, UserId } from "@cairn/kernel";

export interface ApplicationCredential {
  readonly id: string;
  readonly name: string;
  readonly projectId: ProjectId | undefined;
  readonly roles: readonly { readonly id: string; readonly name: string }[];
  readonly unrestricted: boolean;
  readonly expiresAt: number | undefined;
}

export interface ApplicationCredentialCreation {
  readonly name: string;
  readonly description?: string;
  readonly roleNames?: readonly string[];
  readonly expiresAt?: number;
}

export interface ApplicationCredentials {
  /** Keystone tells the secret this once and never again. */
  create(
    userId: UserId,
    credential: ApplicationCredentialCreation,
    signal?: AbortSignal,
  ): Promise<{ readonly credential: ApplicationCredential; readonly secret: Secret }>;
  list(userId: UserId, signal?: AbortSignal): Promise<readonly ApplicationCredential[]>;
  find(userId: UserId, id: string, signal?: AbortSignal): Promise<ApplicationCredential | undefined>;
  delete(userId: UserId, id: string, signal?: AbortSignal): Promise<void>;
}
