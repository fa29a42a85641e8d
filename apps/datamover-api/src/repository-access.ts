import type { RepositoryAccess } from "@cairn/contract";
import { type Database, listSegments, loadRepository } from "@cairn/database";
import { Fault, type RepositoryId, type Secret } from "@cairn/kernel";
import { exportKeys, openKeySet } from "@cairn/repository";

/** What an order gives its datamover for one repository: the address, the opened keys, the index segments. */
export async function repositoryAccess(
  database: Database,
  masterKey: Secret<Buffer>,
  id: RepositoryId,
): Promise<RepositoryAccess> {
  const found = await loadRepository(database.handle, id);
  if (found === undefined)
    throw new Fault("repository-missing", `finding repository ${id}`, "after-operator");
  const { keys } = await openKeySet({
    repositoryId: id,
    bytes: found.repository.wrapped_keys,
    credentials: [{ kind: "key-file", key: masterKey.reveal() }],
  });
  return {
    repositoryId: id,
    target: { kind: found.target.kind, path: found.target.path },
    keys: exportKeys(keys),
    indexSegments: await listSegments(database.handle, id),
    stateEpoch: found.repository.state_epoch,
  };
}
