import { randomBytes } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import { type Answer, ApiError, type Call, noContent, type Route, route } from "../http/answer.ts";
import { enveloped, type Json, jsonOf, requiredText, textAt, textsAt } from "../http/reading.ts";
import type { TokenRow, TokenScope } from "../state/identity-rows.ts";
import { keystoneTime } from "../state/moments.ts";
import { catalogOf } from "./catalog.ts";
import { findPrincipal, hasExpired, type Principal, principalOf, sha256, trustRoles } from "./principal.ts";
import { findProject, findUser } from "./resolve.ts";

const TOKEN_LIFE_MS = 3_600_000;

export const UNAUTHENTICATED = "The request you have made requires authentication.";

/** Who proved to be whom, before any scope. */
interface Proof {
  readonly userId: string;
  readonly methods: readonly string[];
  readonly expiresMs: number;
  readonly applicationCredentialId?: string;
  readonly previous?: Principal;
}

const unauthenticated = (): ApiError => new ApiError(401, UNAUTHENTICATED);

function prove(cloud: Cloud, identity: Json): Proof {
  const methods = textsAt(identity, "methods") ?? [];
  const expiresMs = cloud.clock.now() + TOKEN_LIFE_MS;
  const method = methods[0] ?? "";
  switch (method) {
    case "password": {
      const asked = enveloped(identity["password"], "user");
      const user = findUser(cloud, asked);
      if (user === undefined || !user.enabled) throw unauthenticated();
      if (user.password_sha256 !== sha256(requiredText(asked, "password"))) throw unauthenticated();
      return { userId: user.id, methods: ["password"], expiresMs };
    }
    case "token": {
      const previous = findPrincipal(cloud, requiredText(jsonOf(identity["token"]), "id"));
      if (previous === undefined) throw unauthenticated();
      const { token } = previous;
      const kept = [...new Set([...token.methods, "token"])];
      return { userId: token.user_id, methods: kept, expiresMs: token.expires_ms, previous };
    }
    case "application_credential":
      return proveCredential(cloud, jsonOf(identity["application_credential"]), expiresMs);
    default:
      throw new ApiError(400, `Expecting to find a known method in identity. The method is ${method}.`);
  }
}

function proveCredential(cloud: Cloud, asked: Json, expiresMs: number): Proof {
  const id = textAt(asked, "id");
  const owner = id === undefined ? findUser(cloud, jsonOf(asked["user"])) : undefined;
  const credential =
    id === undefined
      ? cloud.state.applicationCredentials
          .where((each) => each.user_id === owner?.id && each.name === textAt(asked, "name"))
          .at(0)
      : cloud.state.applicationCredentials.find(id);
  if (credential?.secret_sha256 !== sha256(requiredText(asked, "secret"))) throw unauthenticated();
  if (hasExpired(cloud, credential.expires_at)) throw unauthenticated();
  return {
    userId: credential.user_id,
    methods: ["application_credential"],
    expiresMs,
    applicationCredentialId: credential.id,
  };
}

interface Scoped {
  readonly scope: TokenScope;
  readonly trustId?: string;
}

/** What the token is for; the words of a refusal are Keystone's, which tells a stranger nothing. */
function scopeOf(cloud: Cloud, proof: Proof, auth: Json): Scoped {
  const asked = auth["scope"];
  if (proof.applicationCredentialId !== undefined) {
    if (asked !== undefined && asked !== null)
      throw new ApiError(401, "Application credentials cannot request a scope.");
    const credential = cloud.state.applicationCredentials.get(proof.applicationCredentialId);
    return { scope: { kind: "project", projectId: credential.project_id } };
  }
  refuseRescope(proof);
  if (asked === "unscoped") return { scope: { kind: "unscoped" } };
  const scope = jsonOf(asked);
  if ("OS-TRUST:trust" in scope) return trustScope(cloud, proof, jsonOf(scope["OS-TRUST:trust"]));
  if ("system" in scope) return { scope: { kind: "system" } };
  if ("project" in scope) {
    const project = findProject(cloud, jsonOf(scope["project"]));
    if (project === undefined) throw unauthenticated();
    return { scope: { kind: "project", projectId: project.id } };
  }
  const home = cloud.state.users.find(proof.userId)?.default_project_id;
  if (home === undefined || proof.previous !== undefined) return { scope: { kind: "unscoped" } };
  return { scope: { kind: "project", projectId: home } };
}

/** A delegated token stays what it is (Keystone: `allow_rescope_scoped_token`, trusts and credentials). */
function refuseRescope(proof: Proof): void {
  const token = proof.previous?.token;
  if (token?.trust_id === undefined && token?.application_credential_id === undefined) return;
  throw new ApiError(403, "You are not authorized to perform the requested action: rescope a scoped token.");
}

function trustScope(cloud: Cloud, proof: Proof, asked: Json): Scoped {
  const trust = cloud.state.trusts.find(requiredText(asked, "id"));
  if (trust === undefined) throw unauthenticated();
  if (trust.trustee_user_id !== proof.userId)
    throw new ApiError(403, "You are not authorized to perform the requested action: Trustee user mismatch.");
  if (trustRoles(cloud, trust) === undefined)
    throw new ApiError(
      403,
      "You are not authorized to perform the requested action: Trustor roles are gone.",
    );
  if (trust.remaining_uses !== null) {
    if (trust.remaining_uses < 1) throw unauthenticated();
    cloud.state.trusts.patch(trust.id, { remaining_uses: trust.remaining_uses - 1 });
  }
  return { scope: { kind: "project", projectId: trust.project_id }, trustId: trust.id };
}

function issue(call: Call): Answer {
  const { cloud } = call;
  const auth = enveloped(call.body, "auth");
  const proof = prove(cloud, enveloped(auth, "identity"));
  const { scope, trustId } = scopeOf(cloud, proof, auth);
  // Looks like a Fernet token, of the length that clients and proxies meet.
  const text = `gAAAAA${randomBytes(132).toString("base64url")}`;
  const row: TokenRow = {
    id: sha256(text),
    user_id: proof.userId,
    scope,
    methods: proof.methods,
    audit_ids: [randomBytes(16).toString("base64url"), ...(proof.previous?.token.audit_ids.slice(-1) ?? [])],
    issued_ms: cloud.clock.now(),
    expires_ms: proof.expiresMs,
    ...(trustId === undefined ? {} : { trust_id: trustId }),
    ...(proof.applicationCredentialId === undefined
      ? {}
      : { application_credential_id: proof.applicationCredentialId }),
  };
  const principal = principalOf(cloud, row);
  if (principal === undefined) throw unauthenticated();
  forgetExpired(cloud);
  cloud.state.tokens.put(row);
  return {
    status: 201,
    body: tokenBody(cloud, principal, !call.query.has("nocatalog")),
    headers: { "X-Subject-Token": text, Vary: "X-Auth-Token" },
  };
}

function forgetExpired(cloud: Cloud): void {
  for (const token of cloud.state.tokens.where((each) => each.expires_ms <= cloud.clock.now()))
    cloud.state.tokens.remove(token.id);
}

const domain = { id: "default", name: "Default" } as const;

/** The body that Keystone gives for a token. */
function tokenBody(cloud: Cloud, principal: Principal, withCatalog: boolean): object {
  const { token, trust, applicationCredential, projectId } = principal;
  const user = cloud.state.users.get(principal.userId);
  const project = projectId === undefined ? undefined : cloud.state.projects.get(projectId);
  const scoped = token.scope.kind !== "unscoped";
  return {
    token: {
      methods: token.methods,
      user: { domain, id: user.id, name: user.name, password_expires_at: null },
      audit_ids: token.audit_ids,
      expires_at: keystoneTime(token.expires_ms),
      issued_at: keystoneTime(token.issued_ms),
      ...(project === undefined
        ? {}
        : { project: { domain, id: project.id, name: project.name }, is_domain: false }),
      ...(token.scope.kind === "system" ? { system: { all: true } } : {}),
      ...(scoped ? { roles: principal.roles.map(({ id, name }) => ({ id, name })) } : {}),
      ...(scoped && withCatalog ? { catalog: catalogOf(cloud, projectId) } : {}),
      ...(trust === undefined
        ? {}
        : {
            "OS-TRUST:trust": {
              id: trust.id,
              trustor_user: { id: trust.trustor_user_id },
              trustee_user: { id: trust.trustee_user_id },
              impersonation: trust.impersonation,
            },
          }),
      ...(applicationCredential === undefined
        ? {}
        : {
            application_credential: {
              id: applicationCredential.id,
              name: applicationCredential.name,
              restricted: !applicationCredential.unrestricted,
            },
          }),
    },
  };
}

/** The token that the call is about: its holder may see it, and an admin. */
function subjectOf(call: Call, rule: string): { readonly text: string; readonly principal: Principal } {
  const text = call.headers["x-subject-token"];
  if (typeof text !== "string" || text === "") throw new ApiError(404, "Could not find token: .");
  const principal = findPrincipal(call.cloud, text);
  if (principal === undefined) throw new ApiError(404, "Could not recognize Fernet token");
  if (!call.actor.isAdmin && principal.userId !== call.actor.userId)
    throw new ApiError(403, `You are not authorized to perform the requested action: ${rule}.`);
  return { text, principal };
}

function show(call: Call): Answer {
  const { text, principal } = subjectOf(call, "identity:validate_token");
  const body = tokenBody(call.cloud, principal, !call.query.has("nocatalog"));
  return { status: 200, body, headers: { "X-Subject-Token": text, Vary: "X-Auth-Token" } };
}

function check(call: Call): Answer {
  const { text } = subjectOf(call, "identity:check_token");
  return { status: 200, headers: { "X-Subject-Token": text, Vary: "X-Auth-Token" } };
}

function revoke(call: Call): Answer {
  const { principal } = subjectOf(call, "identity:revoke_token");
  call.cloud.state.tokens.remove(principal.token.id);
  return noContent;
}

function ownCatalog(call: Call): Answer {
  const { actor } = call;
  if (actor.projectId === "")
    throw new ApiError(
      403,
      "You are not authorized to perform the requested action: identity:get_auth_catalog.",
    );
  const links = { self: `${call.cloud.baseUrl()}/identity/v3/auth/catalog`, next: null, previous: null };
  return { status: 200, body: { catalog: catalogOf(call.cloud, actor.projectId), links } };
}

/** `/v3/auth`: issuing, showing, checking and revoking tokens. */
export const tokenRoutes: readonly Route[] = [
  route("POST /v3/auth/tokens", "identity:authenticate", "open", issue),
  route("GET /v3/auth/tokens", "identity:validate_token", "reader", show),
  route("HEAD /v3/auth/tokens", "identity:check_token", "reader", check),
  route("DELETE /v3/auth/tokens", "identity:revoke_token", "reader", revoke),
  route("GET /v3/auth/catalog", "identity:get_auth_catalog", "reader", ownCatalog),
];
