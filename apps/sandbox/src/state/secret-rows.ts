/** Rows of the sandbox's Barbican. */
export interface OrderRow {
  readonly id: string;
  readonly project_id: string;
  readonly creator_id: string;
  /** What it made. */
  readonly secret_id: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly created: string;
}

export interface ContainerRow {
  readonly id: string;
  readonly name: string | null;
  readonly project_id: string;
  readonly creator_id: string;
  readonly secrets: readonly { readonly name: string | null; readonly secret_id: string }[];
  readonly created: string;
}

export interface SecretRow {
  readonly id: string;
  readonly name: string | null;
  readonly project_id: string;
  readonly creator_id: string;
  readonly secret_type: string;
  readonly algorithm: string | null;
  readonly bit_length: number | null;
  readonly mode: string | null;
  readonly content_type: string;
  /** Base64. */
  readonly payload: string;
  /** Absent: the project reads it, and nobody else. */
  readonly acl?: {
    readonly users: readonly string[];
    readonly project_access: boolean;
    readonly created: string;
    readonly updated: string;
  };
  readonly created: string;
  readonly updated: string;
}
