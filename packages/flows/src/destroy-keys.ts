import { type Database, loadRepository, replaceWrappedKeys } from "@cairn/database";
import { type Clock, Fault, type RepositoryId, type Secret } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import { type DestroyedKeys, destroyKeys } from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { Log } from "./step.ts";
import { openTarget } from "./targets.ts";

export interface KeyDestruction {
  readonly database: Database;
  /** Opens the target's secret, where it has one. */
  readonly masterKey: Secret<Buffer>;
  /**
   * OpenStack as somebody who may delete the project's secret: a tenant, or an administrator of the project.
   */
  readonly cloud: Cloud;
  /** Who may remove objects; the target's own store unless told. */
  readonly remover?: Pick<Store, "remove">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Makes all backups in a repository unreadable, for good: key sets and Barbican's secret are destroyed, and
 * the database forgets its copy. What is kept (locked until a date, or refused by Barbican) is told; call
 * it again.
 */
export async function destroyRepositoryKeys(
  world: KeyDestruction,
  request: { readonly repositoryId: RepositoryId; readonly by: string; readonly why: string },
): Promise<DestroyedKeys> {
  const { database, cloud, clock, log, signal } = world;
  const { repositoryId, by, why } = request;
  const found = await loadRepository(database.handle, repositoryId);
  if (found === undefined) {
    const message = `destroying the keys of repository ${repositoryId}: it has no row`;
    throw new Fault("repository-missing", message, "after-operator");
  }
  const store = openTarget(found.target, world.masterKey);
  log.warn("keys.destruction-begins", { repository: repositoryId, by, why });
  const report = await destroyKeys(store, {
    repositoryId,
    remover: world.remover ?? store,
    at: new Date(clock.now()).toISOString(),
    by,
    why,
    signal,
    destroySecret: async (secretId) => cloud.barbican.secrets.delete(secretId, signal),
  });
  // The database's copy opens everything that the target's did: it goes as soon as the record is durable.
  await replaceWrappedKeys(database.handle, { id: repositoryId, to: Buffer.alloc(0) });
  log.warn("keys.destroyed", { repository: repositoryId, by, why, kept: report.kept.length });
  return report;
}
