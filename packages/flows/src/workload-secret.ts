import { findWorkload, loadRepository } from "@cairn/database";
import { Fault, hasCode, type RepositoryId, type Secret } from "@cairn/kernel";
import { type KeySet, openKeySet } from "@cairn/repository";
import type { FlowContext, RunFacts } from "./step.ts";

/** The tenant's secret, with which a workload is encrypted. */
export interface WorkloadSecret {
  readonly id: string;
  readonly payload: Secret<Buffer>;
}

type SecretContext = Pick<FlowContext, "run" | "cloud" | "database" | "signal">;

/**
 * What was read of Barbican for a run: each run asks again, through its trust, and its steps share the
 * answer. It is forgotten with the run, and stands in no row.
 */
const secrets = new WeakMap<RunFacts, Promise<WorkloadSecret | undefined>>();

/**
 * The secret of the run's workload; `undefined` when it is not encrypted. Faults: `secret-missing`,
 * `secret-refused`, `secret-empty`, those of the cloud.
 */
export async function workloadSecret(context: SecretContext): Promise<WorkloadSecret | undefined> {
  const asked = secrets.get(context.run) ?? readSecret(context);
  secrets.set(context.run, asked);
  try {
    return await asked;
  } catch (cause) {
    // Another attempt asks again; and this one may only have been aborted.
    secrets.delete(context.run);
    throw cause;
  }
}

async function readSecret({
  run,
  cloud,
  database,
  signal,
}: SecretContext): Promise<WorkloadSecret | undefined> {
  const { workloadId } = run.subject;
  const workload = await findWorkload(database.handle, { id: workloadId });
  const id = workload?.secret_id ?? undefined;
  if (id === undefined) return undefined;
  const payload = await cloud.barbican.secrets.payload(id, signal).catch((cause: unknown) => {
    throw unreadable(id, workloadId, cause);
  });
  if (payload.reveal().length > 0) return { id, payload };
  throw new Fault("secret-empty", `${opening(id, workloadId)}: it has no payload`, "after-operator");
}

function opening(secretId: string, workloadId: string): string {
  return `reading the secret ${secretId}, which encrypts workload ${workloadId}`;
}

function unreadable(secretId: string, workloadId: string, cause: unknown): unknown {
  const doing = opening(secretId, workloadId);
  if (hasCode(cause, "openstack-not-found")) {
    const remedy =
      "store its payload again, and give the workload the new secret's id (its backups are kept)";
    return new Fault("secret-missing", `${doing}: Barbican has no such secret; ${remedy}`, "after-operator");
  }
  if (hasCode(cause, "openstack-forbidden")) {
    const remedy = "its owner, in this project, needs a role that reads secrets, such as creator";
    return new Fault("secret-refused", `${doing}: Barbican refuses it; ${remedy}`, "after-operator", cause);
  }
  if (hasCode(cause, "openstack-no-endpoint")) {
    const remedy = "encrypted workloads need the key manager";
    return new Fault("secret-missing", `${doing}: this cloud has no Barbican; ${remedy}`, "after-operator");
  }
  return cause;
}

/** The payload opens another key set, or none: nothing is written with it, and nothing can be read. */
export function wrongSecret(secretId: string, workloadId: string, cause?: unknown): Fault {
  const what = `its payload is not the one that the backups of workload ${workloadId} were made with`;
  const message = `opening backups with the secret ${secretId}: ${what}`;
  return new Fault("secret-wrong", message, "after-operator", cause);
}

interface OpenedSet {
  readonly wrapped: Buffer;
  readonly set: Promise<KeySet>;
}

/** Stretching a passphrase costs half a second: once a run, not once an order. */
const opened = new WeakMap<RunFacts, OpenedSet>();

/**
 * The data keys of a repository, opened with the secret of the run's workload; `undefined` when it is a
 * project's, which the key file opens. Faults: those of `workloadSecret`, and `secret-wrong`.
 */
export async function tenantKeys(context: SecretContext, id: RepositoryId): Promise<KeySet | undefined> {
  const { database, run, signal } = context;
  const found = await loadRepository(database.handle, id);
  if (found === undefined || found.repository.workload_id === null) return undefined;
  const { wrapped_keys: wrapped } = found.repository;
  if (wrapped.length === 0) {
    throw new Fault("keys-destroyed", `opening repository ${id}: its keys were destroyed`, "never");
  }
  const secret = await workloadSecret(context);
  if (secret === undefined) {
    const message = `opening repository ${id}: its workload ${run.subject.workloadId} names no secret`;
    throw new Fault("secret-missing", message, "after-operator");
  }
  const known = opened.get(run);
  if (known?.wrapped.equals(wrapped) === true) return known.set;
  const credentials = [{ kind: "secret", payload: secret.payload.reveal() } as const];
  const set = openKeySet({ repositoryId: id, bytes: wrapped, credentials, signal }).catch(
    (cause: unknown) => {
      opened.delete(run);
      if (!hasCode(cause, "wrong-key")) throw cause;
      throw wrongSecret(secret.id, run.subject.workloadId, cause);
    },
  );
  opened.set(run, { wrapped, set });
  return set;
}
