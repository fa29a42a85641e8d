/** Rows of the sandbox's Barbican. */
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
