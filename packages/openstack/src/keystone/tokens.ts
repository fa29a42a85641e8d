import type { Secret } from "@cairn/kernel";
import { asId, type ProjectId, type TrustId, type UserId, unreachable } from "@cairn/kernel";
import type { Credentials, DomainReference, NamedReference, Scope } from "../credentials.ts";
import { type Fields, theOnly } from "../wire/decode.ts";
import type { Answer } from "../wire/exchange.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { ServiceClient } from "../wire/service-client.ts";

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

/**
 * The trust through which a token was issued: the token's user is the trustor when `impersonation` is set.
 */
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

/**
 * The body of `POST /v3/auth/tokens`. Keystone calls a project or domain scope by those names, the system's
 * `all`.
 */
export function encodeLogin(credentials: Credentials): JsonObject {
  switch (credentials.kind) {
    case "password":
      return login(passwordIdentity(credentials), encodeScope(credentials.scope));
    case "trust":
      return login(passwordIdentity(credentials), { "OS-TRUST:trust": { id: credentials.trustId } });
    case "token":
      return login(
        { methods: ["token"], token: { id: credentials.token.reveal() } },
        credentials.scope === undefined ? undefined : encodeScope(credentials.scope),
      );
    case "application-credential":
      // The scope is the credential's own; naming one is refused.
      return login(applicationIdentity(credentials), undefined);
    default:
      return unreachable(credentials);
  }
}

function login(identity: JsonObject, scope: Json | undefined): JsonObject {
  return { auth: { identity, ...(scope === undefined ? {} : { scope }) } };
}

function passwordIdentity(who: { readonly user: NamedReference; readonly password: Secret }): JsonObject {
  const user = { ...encodeNamed(who.user), password: who.password.reveal() };
  return { methods: ["password"], password: { user } };
}

function applicationIdentity(
  who: Extract<Credentials, { readonly kind: "application-credential" }>,
): JsonObject {
  const { credential } = who;
  const named =
    "id" in credential
      ? { id: credential.id }
      : { name: credential.name, user: encodeNamed(credential.user) };
  return {
    methods: ["application_credential"],
    application_credential: { ...named, secret: who.secret.reveal() },
  };
}

function encodeScope(scope: Scope): Json {
  switch (scope.kind) {
    case "project":
      return { project: encodeNamed(scope.project) };
    case "domain":
      return { domain: encodeDomain(scope.domain) };
    case "system":
      return { system: { all: true } };
    case "unscoped":
      // Said aloud, because without a scope Keystone would take the user's default project.
      return "unscoped";
    default:
      return unreachable(scope);
  }
}

function encodeNamed(reference: NamedReference): JsonObject {
  if ("id" in reference) return { id: reference.id };
  return { name: reference.name, domain: encodeDomain(reference.domain) };
}

function encodeDomain(reference: DomainReference): JsonObject {
  return "id" in reference ? { id: reference.id } : { name: reference.name };
}

/** What Keystone must never repeat to us in an error. */
export function secretsOf(credentials: Credentials): readonly Secret[] {
  switch (credentials.kind) {
    case "password":
    case "trust":
      return [credentials.password];
    case "token":
      return [credentials.token];
    case "application-credential":
      return [credentials.secret];
    default:
      return unreachable(credentials);
  }
}

/** Keystone's token document; the token's own value is not in it (it comes in `X-Subject-Token`). */
export function decodeToken(answer: Answer, value: Secret): Token {
  return theOnly(answer, "token", (fields) => {
    const user = fields.object("user", readPrincipal);
    const project = fields.optionalObject("project", readPrincipal);
    return {
      value,
      user: { ...user, id: asId<"user">(user.id) },
      project: project === undefined ? undefined : { ...project, id: asId<"project">(project.id) },
      roles: fields.list("roles", readNamed),
      issuedAt: fields.time("issued_at"),
      expiresAt: fields.time("expires_at"),
      trust: fields.optionalObject("OS-TRUST:trust", readTrust),
      applicationCredentialId: fields.optionalObject("application_credential", readId),
      catalogue: fields.list("catalog", readService),
    };
  });
}

/** `{id, name}`, as Keystone names roles in most places. */
export function readNamed(fields: Fields): { readonly id: string; readonly name: string } {
  return { id: fields.string("id"), name: fields.text("name") };
}

function readId(fields: Fields): string {
  return fields.string("id");
}

function readPrincipal(fields: Fields): { id: string; name: string; domainId: string } {
  return { ...readNamed(fields), domainId: fields.optionalObject("domain", readId) ?? "" };
}

function readTrust(fields: Fields): TokenTrust {
  return {
    id: asId<"trust">(fields.string("id")),
    trustorUserId: asId<"user">(fields.object("trustor_user", readId)),
    trusteeUserId: asId<"user">(fields.object("trustee_user", readId)),
    impersonation: fields.boolean("impersonation"),
  };
}

function readService(fields: Fields): CatalogueService {
  return {
    type: fields.string("type"),
    name: fields.text("name"),
    endpoints: fields.list("endpoints", readEndpoint),
  };
}

function readEndpoint(fields: Fields): CatalogueEndpoint {
  return {
    interface: fields.string("interface"),
    region: fields.optionalString("region_id") ?? fields.optionalString("region"),
    url: fields.string("url"),
  };
}

/** The calls about other people's tokens. */
export function tokens(client: ServiceClient): Tokens {
  const about = (subject: Secret) => ({
    path: ["auth", "tokens"],
    headers: { "x-subject-token": subject.reveal() },
    secrets: [subject],
  });
  return {
    validate: async (subject, signal) => {
      const answer = await client.find({ ...about(subject), doing: "validating a token", signal });
      return answer === undefined ? undefined : decodeToken(answer, subject);
    },
    revoke: async (subject, signal) => {
      await client.remove({ ...about(subject), doing: "revoking a token", signal });
    },
  };
}
