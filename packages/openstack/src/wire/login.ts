import { Fault, Secret } from "@cairn/kernel";
import type { CloudAccess } from "../credentials.ts";
import { decodeToken, encodeLogin, secretsOf, type Token } from "../keystone/tokens.ts";
import { MAJORS, takeApart } from "./catalogue.ts";
import { answerOf, isGood, type Outgoing, refuse, type Wire } from "./exchange.ts";
import { exchangeSafely } from "./retrying.ts";

/**
 * Keystone is where the caller said it is, with or without a version, which works for tokens without a
 * catalogue too. Its version 3 is always right there (`/v3`), so nothing is asked for.
 */
export function identityRoot(authUrl: string): string {
  return `${takeApart(authUrl).base}/${MAJORS.identity.path}`;
}

/** A new token for these credentials. */
export async function logIn(access: CloudAccess, wire: Wire): Promise<Token> {
  const outgoing: Outgoing = {
    service: "identity",
    doing: "authenticating at keystone",
    method: "POST",
    // A token that nobody got does no harm, so a lost answer is no unknown outcome.
    isWrite: false,
    url: `${identityRoot(access.authUrl)}/auth/tokens`,
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      "x-openstack-request-id": wire.globalRequestId,
    },
    body: JSON.stringify(encodeLogin(access.credentials)),
    secrets: secretsOf(access.credentials),
  };
  const opened = await exchangeSafely(wire, outgoing);
  if (!isGood(opened.response.status)) throw refuse(wire, outgoing, opened);
  const value = opened.response.headers.get("x-subject-token");
  if (value === null) {
    throw new Fault("openstack-bad-reply", "authenticating at keystone: no token came", "after-operator");
  }
  return decodeToken(answerOf(outgoing, opened), new Secret(value));
}

/**
 * Everybody may ask Keystone what their own token says (policy `identity:validate_token`, rule
 * token_subject).
 */
export async function introduce(access: CloudAccess, wire: Wire, token: Secret): Promise<Token> {
  const outgoing: Outgoing = {
    service: "identity",
    doing: "looking up a given token",
    method: "GET",
    isWrite: false,
    url: `${identityRoot(access.authUrl)}/auth/tokens`,
    headers: {
      accept: "application/json",
      "x-auth-token": token.reveal(),
      "x-subject-token": token.reveal(),
      "x-openstack-request-id": wire.globalRequestId,
    },
    secrets: [token],
  };
  const opened = await exchangeSafely(wire, outgoing);
  if (isGood(opened.response.status)) return decodeToken(answerOf(outgoing, opened), token);
  const refused = refuse(wire, outgoing, opened);
  // A token that is gone is 404 when it is its own witness in some releases, 401 in others.
  if (refused.code !== "openstack-not-found") throw refused;
  throw new Fault("openstack-unauthorized", outgoing.doing, "after-operator", refused.cause);
}
