import {
  type Database,
  findRepositoryId,
  findWorkload,
  loadRepository,
  type RepositoryOwner,
  type RepositoryRow,
  ensureRepository as saveRepository,
  settleWorkloadTarget,
  type TargetRow,
} from "@cairn/database";
import { Fault, newId, type RepositoryId, type Secret } from "@cairn/kernel";
import {
  inspectKeySet,
  isTenantSealed,
  type RepositoryHandle,
  type RepositoryKeys,
  readKeySet,
} from "@cairn/repository";
import type { Store, TargetAddress } from "@cairn/store";
import { firstKeySet, keepKeys, openWrappedKeys } from "./repository-keys.ts";
import type { FlowContext, RunFacts } from "./step.ts";
import { addressOf, openTarget } from "./targets.ts";
import { type WorkloadSecret, workloadSecret } from "./workload-secret.ts";

/** A repository that is open: where its objects lie and what opens them. */
export interface OpenRepository extends RepositoryHandle {
  readonly store: Store;
  /** Epoch of the newest state object that the database knows of. */
  readonly stateEpoch: number;
}

/** An encrypted workload's repository is listed, planned from and kept sound without the tenant's secret. */
function metadataBy(row: RepositoryRow): Pick<RepositoryHandle, "metadataBy"> {
  return row.workload_id === null ? {} : { metadataBy: "structure" };
}

/**
 * The repository of the run's project, or of its encrypted workload, on the workload's target, made when it
 * is not there. The row comes first: it holds the keys, and two engines that do this at once go on with the
 * same ones. Faults of an encrypted workload: those of `workloadSecret`, and `secret-wrong`.
 */
export async function ensureRepository(context: FlowContext): Promise<RepositoryId> {
  const { database, run } = context;
  const target = await settleWorkloadTarget(database.handle, run.subject.workloadId);
  if (target === undefined) {
    throw new Fault(
      "no-target",
      "looking for the default backup target: none is configured",
      "after-operator",
    );
  }
  const secret = await workloadSecret(context);
  const owner = ownerOf(run, target, secret !== undefined);
  const known = await findRepositoryId(database.handle, owner);
  const row = known === undefined ? undefined : await loadRepository(database.handle, known);
  const { id, wrapped_keys: wrapped } = row?.repository ?? (await makeRow(context, owner, secret));
  const store = openTarget(target, context.masterKey);
  await keepKeys(context, { repositoryId: id, store, wrapped, secret });
  return id;
}

function ownerOf({ projectId, subject }: RunFacts, target: TargetRow, isEncrypted: boolean): RepositoryOwner {
  const workloadId = isEncrypted ? subject.workloadId : undefined;
  return { projectId, targetId: target.id, workloadId };
}

async function makeRow(
  context: FlowContext,
  owner: RepositoryOwner,
  secret: WorkloadSecret | undefined,
): Promise<RepositoryRow> {
  const id = newId<"repository">();
  const { bytes: wrappedKeys } = await firstKeySet(context, id, secret);
  return saveRepository(context.database.handle, { id, ...owner, wrappedKeys });
}

/** The repository that the run's workload writes to, if it has been made; the secret is not asked for. */
export async function findOwnRepository({ database, run }: FlowContext): Promise<RepositoryId | undefined> {
  const { handle } = database;
  const { workloadId } = run.subject;
  const target = await settleWorkloadTarget(handle, workloadId);
  if (target === undefined) return undefined;
  const workload = await findWorkload(handle, { id: workloadId });
  return findRepositoryId(handle, ownerOf(run, target, (workload?.secret_id ?? null) !== null));
}

/** Opens a repository by its id, with the keys of its row: of an encrypted workload's the structure alone. */
export async function openRepository(context: FlowContext, id: RepositoryId): Promise<OpenRepository> {
  const found = await loadRepository(context.database.handle, id);
  if (found === undefined) {
    throw new Fault("repository-missing", `opening repository ${id}: it has no row`, "after-operator");
  }
  const { keys } = await openWrappedKeys(context, id, found.repository.wrapped_keys);
  const stateEpoch = found.repository.state_epoch;
  const store = openTarget(found.target, context.masterKey);
  return { repositoryId: id, store, keys, stateEpoch, ...metadataBy(found.repository) };
}

/** Opens a repository with the key file alone: maintenance goes on without OpenStack, for no user. */
export async function openForMaintenance(
  world: {
    readonly database: Database;
    readonly masterKey: Secret<Buffer>;
    readonly signal: AbortSignal;
  },
  id: RepositoryId,
): Promise<OpenRepository & { readonly target: TargetAddress }> {
  const found = await loadRepository(world.database.handle, id);
  if (found === undefined) {
    throw new Fault("repository-missing", `opening repository ${id}: it has no row`, "after-operator");
  }
  const store = openTarget(found.target, world.masterKey);
  const credentials = [{ kind: "key-file", key: world.masterKey.reveal() } as const];
  // The newest set, not the row's: to older keys, what newer ones sealed looks damaged.
  const { keys, passedOver } = await readKeySet(store, {
    repositoryId: id,
    credentials,
    signal: world.signal,
  });
  if (passedOver[0] !== undefined) {
    const message = `keeping repository ${id} sound: ${passedOver[0].name} does not open with the key file`;
    throw new Fault("wrong-key", message, "after-operator", passedOver[0].why);
  }
  const target = addressOf(found.target, world.masterKey);
  return { repositoryId: id, store, target, keys, stateEpoch: found.repository.state_epoch };
}

/**
 * Of an encrypted workload's repository, the secret that opens its data, as its key set names it: anybody may
 * read that, and so the workload can be imported without the secret. `undefined` for a project's repository.
 */
export function tenantSecretOf(repositoryId: string, wrapped: Buffer): string | undefined {
  const { slots } = inspectKeySet(repositoryId, wrapped);
  return isTenantSealed(slots) ? slots.find(({ kind }) => kind === "secret")?.secretId : undefined;
}

/**
 * Opens a repository by the keys that lie beside it, without a database. Faults: `keys-missing`, `wrong-key`,
 * those of the store.
 */
export async function openStoredKeys(
  { masterKey, signal }: { readonly masterKey: Secret<Buffer>; readonly signal: AbortSignal },
  store: Store,
  repositoryId: string,
): Promise<{ readonly keys: RepositoryKeys; readonly wrapped: Buffer }> {
  const credentials = [{ kind: "key-file", key: masterKey.reveal() } as const];
  const { keys, bytes } = await readKeySet(store, { repositoryId, credentials, signal });
  return { keys, wrapped: bytes };
}
