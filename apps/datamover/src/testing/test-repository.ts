import type { RepositoryAccess } from "@cairn/contract";
import { newId } from "@cairn/kernel";
import { createRepositoryKeys, initRepository, wrapKeys } from "@cairn/repository";
import { directoryStore } from "@cairn/store";

/** A fresh repository in a directory, as an order brings it. */
export async function createTestRepository(path: string): Promise<RepositoryAccess> {
  const keys = createRepositoryKeys();
  const repositoryId = newId<"repository">();
  await initRepository(directoryStore(path), {
    repositoryId,
    wrappedKeys: wrapKeys(keys, Buffer.alloc(32, 7)),
  });
  const encode = (key: Buffer): string => key.toString("base64");
  return {
    repositoryId,
    target: { kind: "directory", path },
    keys: {
      id: keys.id,
      chunkId: encode(keys.chunkId),
      structure: encode(keys.structure),
      data: encode(keys.data),
    },
    indexSegments: [],
  };
}
