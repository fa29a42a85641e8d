import assert from "node:assert/strict";
import type { Cloud } from "@cairn/openstack";
import type { World } from "./secrets-world.ts";

/** An application credential of the member's with a secret that was chosen. */
export interface ChosenCredential {
  readonly id: string;
  readonly secret: string;
}

async function post(cloud: Cloud, url: string, body: unknown, method = "POST"): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { "x-auth-token": (await cloud.token()).value.reveal(), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${url}: ${text}`);
  return JSON.parse(text);
}

/** Makes an application credential as OpenStack's client does it. */
export async function credentialOf({ tree, secrets }: World): Promise<ChosenCredential> {
  const { user } = await tree.cloud.token();
  const url = `${tree.embedded.authUrl}/users/${user.id}/application_credentials`;
  const body = { application_credential: { name: "planted", secret: secrets.credential } };
  const made = (await post(tree.cloud, url, body)) as { application_credential: { id: string } };
  return { id: made.application_credential.id, secret: secrets.credential };
}

/** Stores a payload in Barbican as an operator does it, for the service user to read; gives its reference. */
export async function storeBucketKeys({ tree }: World, payload: string): Promise<string> {
  const admin = tree.embedded.cloud("admin", "admin");
  const service = await tree.embedded.cloud("cairn", "service").token();
  const url = `${tree.embedded.sandboxUrl}/key-manager/v1/secrets`;
  const secret = { name: "bucket", payload, payload_content_type: "text/plain" };
  const { secret_ref: reference } = (await post(admin, url, secret)) as { secret_ref: string };
  const readers = { read: { users: [service.user.id], "project-access": true } };
  await post(admin, `${reference}/acl`, readers, "PUT");
  return reference;
}
