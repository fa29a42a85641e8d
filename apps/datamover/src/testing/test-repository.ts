import type { RepositoryAccess } from "@cairn/contract";
import { newId } from "@cairn/kernel";
import { createRepositoryKeys, exportKeys, initRepository, wrapKeys } from "@cairn/repository";
import { directoryStore } from "@cairn/store";

/** A fresh repository in a directory, as an order brings it. */
export async function createTestRepository(path: string): Promise<RepositoryAccess> {
  const keys = createRepositoryKeys();
  const repositoryId = newId<"repository">();
  await initRepository(directoryStore(path), {
    repositoryId,
    wrappedKeys: wrapKeys(keys, Buffer.alloc(32, 7)),
  });
  return {
    repositoryId,
    target: { kind: "directory", path },
    keys: exportKeys(keys),
    indexSegments: [],
  };
}
