import { Fault, isUuid } from "@cairn/kernel";
import type { Store } from "@cairn/store";
import { checked, withChecksum } from "./checksum.ts";
import { inspectKeySet } from "./key-set.ts";
import { decodeMarker, encodeMarker, type Marker, REQUIRED_FEATURES } from "./marker/codec.ts";
import { repositoryNames } from "./names.ts";

/**
 * Makes a repository on a store, or finds that it is there. The keys come first: a repository whose marker
 * exists can be opened.
 */
export async function initRepository(
  store: Store,
  request: {
    readonly repositoryId: string;
    /** The first key set, as `createKeySet` made it. */
    readonly keySet: Uint8Array;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { repositoryId, keySet, signal } = request;
  const names = repositoryNames(repositoryId);
  const { name } = inspectKeySet(repositoryId, keySet);
  await store.put(name, [keySet], signal);
  const marker = encodeMarker({ repositoryId, requiredFeatures: REQUIRED_FEATURES, optionalFeatures: 0n });
  await store.put(names.marker, [withChecksum(marker)], signal);
  await openRepository(store, { repositoryId, ...(signal === undefined ? {} : { signal }) });
}

/**
 * The ids of the repositories on a target. Where the target cannot sum names up, it lists every object: for
 * recovery and for people, not for anything that happens often.
 */
export async function* listRepositories(store: Store, signal?: AbortSignal): AsyncGenerator<string> {
  if (store.folders !== undefined) {
    for await (const id of store.folders(signal)) {
      if (isUuid(id) && (await store.size(repositoryNames(id).marker, signal)) !== undefined) yield id;
    }
    return;
  }
  for await (const name of store.list("", signal)) {
    const [repositoryId, object, ...more] = name.split("/");
    if (repositoryId === undefined || object !== "repo" || more.length > 0) continue;
    if (isUuid(repositoryId)) yield repositoryId;
  }
}

/**
 * Reads a repository's marker and refuses what this program must not touch. Faults: `repository-missing`,
 * `format-unknown` (a newer version, or a required feature that is unknown here), `object-damaged`.
 */
export async function openRepository(
  store: Store,
  request: { readonly repositoryId: string; readonly signal?: AbortSignal },
): Promise<Marker> {
  const { repositoryId, signal } = request;
  const { marker: name } = repositoryNames(repositoryId);
  if ((await store.size(name, signal)) === undefined) {
    throw new Fault(
      "repository-missing",
      `opening repository ${repositoryId}: it has no marker`,
      "after-operator",
    );
  }
  const marker = decodeMarker(name, checked(name, await store.get(name, signal)));
  if (marker.repositoryId !== repositoryId) {
    const message = `opening repository ${repositoryId}: its marker is that of ${marker.repositoryId}`;
    throw new Fault("object-damaged", message, "never");
  }
  return marker;
}
