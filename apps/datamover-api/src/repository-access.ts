import type { RepositoryAccess, TargetAddress } from "@cairn/contract";
import { type Database, listSegments, loadRepository, type TargetRow } from "@cairn/database";
import { Fault, type RepositoryId, type Secret } from "@cairn/kernel";
import { exportKeys, openKeySet } from "@cairn/repository";
import { openAddress } from "@cairn/store";

/** What an order gives its datamover for one repository: the address, the opened keys, the index segments. */
export async function repositoryAccess(
  database: Database,
  masterKey: Secret<Buffer>,
  id: RepositoryId,
): Promise<RepositoryAccess> {
  const found = await loadRepository(database.handle, id);
  if (found === undefined)
    throw new Fault("repository-missing", `finding repository ${id}`, "after-operator");
  if (found.repository.wrapped_keys.length === 0) {
    throw new Fault("keys-destroyed", `opening repository ${id}: its keys were destroyed`, "never");
  }
  const { keys } = await openKeySet({
    repositoryId: id,
    bytes: found.repository.wrapped_keys,
    credentials: [{ kind: "key-file", key: masterKey.reveal() }],
  });
  return {
    repositoryId: id,
    target: moverAddress(found.target, masterKey),
    keys: exportKeys(keys),
    indexSegments: await listSegments(database.handle, id),
    stateEpoch: found.repository.state_epoch,
  };
}

/** The address with the narrower identity, where the target has one: datamovers need not remove. */
function moverAddress(target: TargetRow, masterKey: Secret<Buffer>): TargetAddress {
  const { kind, path, address, mover_key_id: accessKeyId } = target;
  const kept =
    accessKeyId === null
      ? { kind, path, address, sealedSecret: target.sealed_secret ?? undefined }
      : {
          kind,
          path,
          address: { ...address, accessKeyId },
          sealedSecret: target.sealed_mover_secret ?? undefined,
        };
  return openAddress(kept, masterKey.reveal());
}
