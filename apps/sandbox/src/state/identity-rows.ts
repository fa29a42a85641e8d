/** Rows of the sandbox's Keystone. Field names are the API's where the API shows them. */
export interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
}

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly description?: string;
  readonly enabled: boolean;
  readonly password_sha256: string;
  readonly default_project_id?: string;
  /** Roles come from an identity provider with each login: a trust has no assignment to hold to. */
  readonly federated?: boolean;
}

export interface RoleRow {
  readonly id: string;
  readonly name: string;
}

/** A user's role in a project, or in the system (`project_id` null). */
export interface AssignmentRow {
  readonly id: string;
  readonly user_id: string;
  readonly project_id: string | null;
  readonly role_id: string;
}

export type TokenScope =
  | { readonly kind: "unscoped" }
  | { readonly kind: "system" }
  | { readonly kind: "project"; readonly projectId: string };

/** A token; its id is the SHA-256 of the text that the client holds. Roles are looked up at each use. */
export interface TokenRow {
  readonly id: string;
  readonly user_id: string;
  readonly scope: TokenScope;
  readonly methods: readonly string[];
  readonly audit_ids: readonly string[];
  readonly issued_ms: number;
  readonly expires_ms: number;
  readonly trust_id?: string;
  readonly application_credential_id?: string;
}

export interface TrustRow {
  readonly id: string;
  readonly trustor_user_id: string;
  readonly trustee_user_id: string;
  readonly project_id: string;
  readonly impersonation: boolean;
  readonly role_ids: readonly string[];
  readonly expires_at: string | null;
  readonly remaining_uses: number | null;
}

export interface ApplicationCredentialRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly secret_sha256: string;
  readonly user_id: string;
  readonly project_id: string;
  readonly role_ids: readonly string[];
  readonly expires_at: string | null;
  readonly unrestricted: boolean;
}

export interface ServiceRow {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly description?: string;
  readonly enabled: boolean;
  /** Attributes that Keystone does not know, which it keeps and shows beside its own. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** `url` may begin with `{base}`, the sandbox's own address, which is known once it listens. */
export interface EndpointRow {
  readonly id: string;
  readonly service_id: string;
  readonly interface: string;
  readonly region_id: string;
  readonly url: string;
  readonly enabled: boolean;
}

export interface RegionRow {
  readonly id: string;
}
