import { Fault, Rejection, Secret } from "@cairn/kernel";
import type { Cloud, Credentials, Scope, Token } from "@cairn/openstack";

/** OpenStack as these credentials see it. */
export type Connect = (credentials: Credentials) => Cloud;

/** A project that somebody may enter. */
export interface OwnProject {
  readonly id: string;
  readonly name: string;
}

/** What somebody types in to sign in. */
export type SignIn =
  | {
      readonly kind: "password";
      readonly user: string;
      readonly domain: string;
      readonly password: string;
      /** Name of the project; empty: the first of those that the user may enter. */
      readonly project: string;
    }
  | { readonly kind: "application-credential"; readonly id: string; readonly secret: string };

/** A sign-in from the body of a request; refuses what is not one, by field, and repeats no secret. */
export function parseSignIn(body: unknown): SignIn {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const given = (name: string, fallback?: string): string => {
    const value = fields[name] ?? fallback;
    if (typeof value === "string" && (value !== "" || fallback === "") && value.length <= TEXT_MAX) {
      return value;
    }
    throw new Rejection(`The field ${name} is missing or is not a text.`, {
      status: 400,
      field: name,
      remedy: `Give ${name}, of at most ${String(TEXT_MAX)} characters.`,
    });
  };
  switch (fields["kind"]) {
    case "password":
      return {
        kind: "password",
        user: given("user"),
        domain: given("domain", "Default"),
        password: given("password"),
        project: given("project", ""),
      };
    case "application-credential":
      return { kind: "application-credential", id: given("id"), secret: given("secret") };
    default:
      throw new Rejection("This is no way to sign in.", {
        status: 400,
        field: "kind",
        value: typeof fields["kind"] === "string" ? fields["kind"] : null,
        remedy: "Use password or application-credential.",
      });
  }
}

const TEXT_MAX = 1024;

/** A token for a project, by what somebody typed in. Refuses with 401 what Keystone refuses. */
export async function signIn(connect: Connect, asked: SignIn, signal: AbortSignal): Promise<Token> {
  if (asked.kind === "application-credential") {
    const { id, secret } = asked;
    const credentials = { kind: asked.kind, credential: { id }, secret: new Secret(secret) } as const;
    return tokenFor(connect, credentials, signal);
  }
  const domain = { name: asked.domain };
  const who = {
    kind: "password",
    user: { name: asked.user, domain },
    password: new Secret(asked.password),
  } as const;
  const unscoped = await tokenFor(connect, { ...who, scope: { kind: "unscoped" } }, signal);
  const projects = await projectsOf(connect, unscoped.value, signal);
  const chosen = asked.project === "" ? projects[0] : projects.find(({ name }) => name === asked.project);
  if (chosen === undefined) throw noProject(asked.project, projects);
  return enterProject(connect, { token: unscoped.value, projectId: chosen.id }, signal);
}

/** The projects that the bearer of a token may enter, by name. */
export async function projectsOf(
  connect: Connect,
  token: Secret,
  signal: AbortSignal,
): Promise<readonly OwnProject[]> {
  const projects = await connect({ kind: "token", token }).keystone.projects.listOwn(signal);
  return projects
    .filter(({ enabled }) => enabled)
    .map(({ id, name }) => ({ id, name }))
    .toSorted((one, other) => one.name.localeCompare(other.name));
}

/** A token for another project of the same bearer. */
export async function enterProject(
  connect: Connect,
  { token, projectId }: { readonly token: Secret; readonly projectId: string },
  signal: AbortSignal,
): Promise<Token> {
  const scope: Scope = { kind: "project", project: { id: projectId } };
  try {
    return await connect({ kind: "token", token, scope }).token(signal);
  } catch (cause) {
    if (!isRefused(cause)) throw cause;
    throw new Rejection("Keystone does not let you into this project with this session.", {
      status: 403,
      field: "project_id",
      value: projectId,
      remedy: "Sign in again and name the project. An application credential is for one project only.",
    });
  }
}

/** Makes a session's token worthless. One that is so already is no failure. */
export async function signOut(connect: Connect, token: Secret, signal: AbortSignal): Promise<void> {
  try {
    await connect({ kind: "token", token }).keystone.tokens.revoke(token, signal);
  } catch (cause) {
    if (!isRefused(cause)) throw cause;
  }
}

async function tokenFor(connect: Connect, credentials: Credentials, signal: AbortSignal): Promise<Token> {
  try {
    return await connect(credentials).token(signal);
  } catch (cause) {
    if (!isRefused(cause)) throw cause;
    throw new Rejection("Keystone does not accept this name and secret.", {
      status: 401,
      remedy: "Check them, and the domain. An account can be locked after many attempts.",
    });
  }
}

/** Keystone says 404 of an application credential that there is not, and 403 of what may not be entered. */
function isRefused(cause: unknown): boolean {
  const refusals = ["openstack-unauthorized", "openstack-forbidden", "openstack-not-found"];
  return cause instanceof Fault && refusals.includes(cause.code);
}

function noProject(name: string, projects: readonly OwnProject[]): Rejection {
  if (projects.length === 0) {
    return new Rejection("This user has no role in any project.", {
      status: 403,
      remedy: "Ask an administrator of a project for a role in it.",
    });
  }
  return new Rejection("There is no such project that this user may enter.", {
    status: 403,
    field: "project",
    value: name,
    remedy: `Leave it empty, or name one of: ${projects.map((project) => project.name).join(", ")}.`,
  });
}
