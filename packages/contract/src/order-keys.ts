import { OpenedKeys } from "./orders.ts";
import { openValue, type SealedPlace, sealValue } from "./sealed.ts";

/** Which order gets keys, and of which repository. */
export interface OrderKeysOf {
  readonly orderId: string;
  readonly repositoryId: string;
}

function placeOf({ orderId, repositoryId }: OrderKeysOf): SealedPlace {
  return {
    purpose: "cairn order keys v1",
    boundTo: `${orderId} ${repositoryId}`,
    code: "order-keys-sealed",
    doing: `opening the keys of order ${orderId}`,
  };
}

/**
 * Seals the keys of an encrypted workload's repository for one order: the key file alone opens none of them
 * on the target, and so they travel from the engine, which was shown the tenant's secret, to the datamover
 * API.
 */
export function sealOrderKeys(keys: OpenedKeys, place: OrderKeysOf, masterKey: Buffer): string {
  return sealValue(keys, placeOf(place), masterKey);
}

/** What was sealed. Fault `order-keys-sealed` when key, order or repository are others. */
export function openOrderKeys(text: string, place: OrderKeysOf, masterKey: Buffer): OpenedKeys {
  return openValue(OpenedKeys, text, placeOf(place), masterKey);
}
