import type { RepositoryAccess } from "@cairn/contract";
import { newId } from "@cairn/kernel";
import { createKeySet, exportKeys, initRepository } from "@cairn/repository";
import { directoryStore } from "@cairn/store";

/** A fresh repository in a directory, as an order brings it. */
export async function createTestRepository(path: string): Promise<RepositoryAccess> {
  const repositoryId = newId<"repository">();
  const slots = [{ kind: "key-file", label: "test", key: Buffer.alloc(32, 7) } as const];
  const { keys, bytes } = await createKeySet({ repositoryId, slots, withoutEscrow: true, at: 0 });
  await initRepository(directoryStore(path), { repositoryId, keySet: bytes });
  return {
    repositoryId,
    target: { kind: "directory", path },
    keys: exportKeys(keys),
    indexSegments: [],
    stateEpoch: 0,
  };
}
