import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after } from "node:test";
import { Fault, KiB, newId } from "@cairn/kernel";
import type { Cloud, CloudAccess } from "@cairn/openstack";
import { connect, openPeerCloud, type PeerCloud } from "./peer-cloud.ts";

/** Everything that a run of this suite makes is called after it. */
export const PREFIX = `cairn-contract-${randomBytes(4).toString("hex")}`;
/** How large the suite's images are. */
export const IMAGE_BYTES = 256 * KiB;
/** How long the cloud gets for one change of state. */
export const WAIT = { withinMs: 300_000 };
/** An id that nothing has. */
export const ABSENT = newId<"absent">();

/** The cloud that a file of the suite talks to, as a member of a project and as an admin. */
export interface Suite {
  readonly peer: PeerCloud;
  readonly tenant: Cloud;
  readonly admin: Cloud;
}

/** Opens the cloud for one test file and closes it after the file's last test. */
export async function openSuite(): Promise<Suite> {
  const peer = await openPeerCloud(process.env);
  after(async () => peer[Symbol.asyncDispose]());
  return { peer, tenant: connect(peer.tenant), admin: connect(peer.admin) };
}

/** The Fault that the work ends in. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => assert.fail("it worked"),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof Fault, String(error));
  return error;
}

/** The code of the Fault that the work ends in. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await faultOf(work)).code;
}

/** The same cloud by other credentials. */
export function withCredentials(access: CloudAccess, credentials: CloudAccess["credentials"]): Cloud {
  return connect({ ...access, credentials });
}

/** Waits until it is so, looking ten times a second. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT.withinMs;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, "it did not come in time");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
