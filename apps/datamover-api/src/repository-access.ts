import {
  type OpenedKeys,
  type OrderKeysOf,
  openOrderKeys,
  type RepositoryAccess,
  type TargetAddress,
} from "@cairn/contract";
import {
  type Database,
  findOrderKeys,
  listSegments,
  loadRepository,
  type RepositoryRow,
  type TargetRow,
} from "@cairn/database";
import { Fault, type OrderId, type RepositoryId, type Secret } from "@cairn/kernel";
import { exportKeys, openKeySet } from "@cairn/repository";
import { openAddress } from "@cairn/store";

/** What an order gives its datamover for one repository: the address, the opened keys, the index segments. */
export async function repositoryAccess(
  database: Database,
  masterKey: Secret<Buffer>,
  id: RepositoryId,
  orderId: OrderId,
): Promise<RepositoryAccess> {
  const found = await loadRepository(database.handle, id);
  if (found === undefined)
    throw new Fault("repository-missing", `finding repository ${id}`, "after-operator");
  if (found.repository.wrapped_keys.length === 0) {
    throw new Fault("keys-destroyed", `opening repository ${id}: its keys were destroyed`, "never");
  }
  const keys =
    found.repository.workload_id === null
      ? await projectKeys(found.repository, masterKey)
      : await broughtKeys(database, { orderId, repositoryId: id }, masterKey);
  return {
    repositoryId: id,
    target: moverAddress(found.target, masterKey),
    keys,
    indexSegments: await listSegments(database.handle, id),
    stateEpoch: found.repository.state_epoch,
  };
}

async function projectKeys(row: RepositoryRow, masterKey: Secret<Buffer>): Promise<OpenedKeys> {
  const { keys } = await openKeySet({
    repositoryId: row.id,
    bytes: row.wrapped_keys,
    credentials: [{ kind: "key-file", key: masterKey.reveal() }],
  });
  return exportKeys(keys);
}

/** Of an encrypted workload: what the engine opened with the tenant's secret. Fault `order-keys-gone`. */
async function broughtKeys(
  database: Database,
  place: OrderKeysOf & { readonly orderId: OrderId },
  masterKey: Secret<Buffer>,
): Promise<OpenedKeys> {
  const sealed = await findOrderKeys(database.handle, place.orderId);
  if (sealed !== undefined) return openOrderKeys(sealed, place, masterKey.reveal());
  // The database crashed, and emptied its unlogged table; or the order ends in this moment.
  throw new Fault("order-keys-gone", `handing out order ${place.orderId}: its keys are gone`, "later");
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
