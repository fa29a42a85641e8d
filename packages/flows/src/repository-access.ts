import { findDefaultTarget, loadRepository, ensureRepository as saveRepository } from "@cairn/database";
import { Fault, newId, type RepositoryId } from "@cairn/kernel";
import {
  createRepositoryKeys,
  initRepository,
  type RepositoryHandle,
  unwrapKeys,
  wrapKeys,
} from "@cairn/repository";
import { directoryStore, type Store } from "@cairn/store";
import type { FlowContext } from "./step.ts";

/** A repository that is open: where its objects lie and what opens them. */
export interface OpenRepository extends RepositoryHandle {
  readonly store: Store;
}

/**
 * The repository of the run's project on the default target, made when it is not there. The row comes
 * first: it holds the keys, and two engines that do this at once go on with the same ones.
 */
export async function ensureRepository(context: FlowContext): Promise<RepositoryId> {
  const { database, masterKey, run, signal } = context;
  const target = await findDefaultTarget(database.handle);
  if (target === undefined) {
    throw new Fault(
      "no-target",
      "looking for the default backup target: none is configured",
      "after-operator",
    );
  }
  const row = await saveRepository(database.handle, {
    id: newId(),
    projectId: run.projectId,
    targetId: target.id,
    wrappedKeys: wrapKeys(createRepositoryKeys(), masterKey.reveal()),
  });
  const store = directoryStore(target.path);
  await initRepository(store, { repositoryId: row.id, wrappedKeys: row.wrapped_keys, signal });
  return row.id;
}

/** Opens a repository by its id, with the keys of its row. */
export async function openRepository(context: FlowContext, id: RepositoryId): Promise<OpenRepository> {
  const found = await loadRepository(context.database.handle, id);
  if (found === undefined) {
    throw new Fault("repository-missing", `opening repository ${id}: it has no row`, "after-operator");
  }
  return {
    repositoryId: id,
    store: directoryStore(found.target.path),
    keys: unwrapKeys(found.repository.wrapped_keys, context.masterKey.reveal()),
  };
}
