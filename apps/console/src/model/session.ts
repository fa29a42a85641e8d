/** Who is signed in, as the API server tells it. */
export interface Session {
  readonly user: string;
  readonly project: { readonly id: string; readonly name: string };
  /** Names of requests that the rights in force refuse to this user. */
  readonly mayNot: ReadonlySet<string>;
  readonly isAdmin: boolean;
  readonly expiresAtMs: number;
}

/** The session in an answer of the API server; throws on anything else. */
export function parseSession(value: unknown): Session {
  const { user, project, may_not, is_admin, expires_at } = fieldsOf(value);
  const { id, name } = fieldsOf(project);
  return {
    user: textOf(fieldsOf(user)["name"]),
    project: { id: textOf(id), name: textOf(name) },
    mayNot: new Set(Array.isArray(may_not) ? may_not.map(textOf) : []),
    isAdmin: is_admin === true,
    expiresAtMs: Date.parse(textOf(expires_at)),
  };
}

/** A project that the user may enter. */
export interface OwnProject {
  readonly id: string;
  readonly name: string;
}

/** The projects in an answer of the API server; throws on anything else. */
export function parseProjects(value: unknown): readonly OwnProject[] {
  const { projects } = fieldsOf(value);
  if (!Array.isArray(projects)) throw new TypeError("the answer has no list of projects");
  return projects.map((each: unknown) => {
    const { id, name } = fieldsOf(each);
    return { id: textOf(id), name: textOf(name) };
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new TypeError("the answer is no object");
  return value as Readonly<Record<string, unknown>>;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("a text is missing in the answer");
  return value;
}
