import type { ProjectId, Secret, TrustId, UserId } from "@cairn/kernel";

/** A user as a token or a project's member list names it. */
export interface TokenUser {
  readonly id: UserId;
  readonly name: string;
  readonly domainId: string;
}

export interface TokenProject {
  readonly id: ProjectId;
  readonly name: string;
  readonly domainId: string;
}

/** The trust through which a token was issued: the token's user is the trustor when `impersonation` is set. */
export interface TokenTrust {
  readonly id: TrustId;
  readonly trustorUserId: UserId;
  readonly trusteeUserId: UserId;
  readonly impersonation: boolean;
}

export interface CatalogueEndpoint {
  readonly interface: string;
  readonly region: string | undefined;
  readonly url: string;
}

export interface CatalogueService {
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly CatalogueEndpoint[];
}

export interface Token {
  readonly value: Secret;
  readonly user: TokenUser;
  /** Absent for tokens of a domain, of the system, and unscoped ones. */
  readonly project: TokenProject | undefined;
  readonly roles: readonly { readonly id: string; readonly name: string }[];
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly trust: TokenTrust | undefined;
  readonly applicationCredentialId: string | undefined;
  readonly catalogue: readonly CatalogueService[];
}

/** Tokens of other people, seen by a service that was given them. */
export interface Tokens {
  /** What a token says; undefined when Keystone does not know it, or when it has expired or was revoked. */
  validate(subject: Secret, signal?: AbortSignal): Promise<Token | undefined>;
  /** Makes a token worthless; one that is unknown is worthless already. */
  revoke(subject: Secret, signal?: AbortSignal): Promise<void>;
}
