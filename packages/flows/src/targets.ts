import {
  type Database,
  findTargetAt,
  registerConfiguredTarget,
  type TargetRow,
  type WantedTarget,
} from "@cairn/database";
import { type Clock, hasCode, type Secret } from "@cairn/kernel";
import {
  openAddress,
  openStore,
  probeTarget,
  type Store,
  sealAddress,
  type TargetAddress,
} from "@cairn/store";
import type { Log } from "./step.ts";

/** The store of a registered target, as maintenance uses it: it may remove. */
export function openTarget(target: TargetRow, masterKey: Secret<Buffer>): Store {
  return openStore(addressOf(target, masterKey));
}

/** Where a registered target is, and what opens it. */
export function addressOf(target: TargetRow, masterKey: Secret<Buffer>): TargetAddress {
  const { kind, path, address, sealed_secret: sealed } = target;
  return openAddress({ kind, path, address, sealedSecret: sealed ?? undefined }, masterKey.reveal());
}

/** A target as an operator configures it. */
export interface ConfiguredTarget {
  readonly target: TargetAddress;
  /** The identity that datamovers get, for a bucket: it should not be able to remove. */
  readonly mover?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface Registration {
  readonly database: Database;
  readonly masterKey: Secret<Buffer>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Keeps what is configured as a target, the default unless somebody chose another. A new one, or one that is
 * configured otherwise than before, is probed first, with both identities; a Rejection says by field, value
 * and remedy why it cannot be a target. One that is known is not asked anything, so that a program starts
 * while its target is away.
 */
export async function useTarget(world: Registration, configured: ConfiguredTarget): Promise<TargetRow> {
  const { database, masterKey } = world;
  const key = masterKey.reveal();
  const known = await findTargetAt(database.handle, sealAddress(configured.target, key));
  const wanted =
    known !== undefined && isAsConfigured(known, configured, masterKey)
      ? wantedAgain(known)
      : await probeConfigured(world, configured);
  return database.transaction(async (transaction) => registerConfiguredTarget(transaction, wanted));
}

/** Whether nothing that an operator writes has changed since the probe, which added what it learned. */
function isAsConfigured(known: TargetRow, { target, mover }: ConfiguredTarget, key: Secret<Buffer>): boolean {
  if (known.state !== "ready" || known.report === null) return false;
  if (known.mover_key_id !== (mover?.accessKeyId ?? null)) return false;
  if (!opensWith(known, key)) return false;
  const before: Readonly<Record<string, unknown>> = { ...addressOf(known, key) };
  if (!Object.entries(target).every(([field, value]) => isSame(before[field], value))) return false;
  if (before["lock"] !== undefined && !("lock" in target)) return false;
  return mover === undefined || isSame(openMover(known, key), mover.secretAccessKey);
}

/**
 * Not so when the key file was replaced: the secrets of the configuration are sealed with the new one then.
 */
function opensWith(known: TargetRow, key: Secret<Buffer>): boolean {
  try {
    addressOf(known, key);
    if (known.mover_key_id !== null) openMover(known, key);
    return true;
  } catch (cause) {
    if (hasCode(cause, "target-sealed")) return false;
    throw cause;
  }
}

function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== "object" || typeof other !== "object") return one === other;
  const fields = (value: object | null): string[] => Object.entries(value ?? {}).map((each) => String(each));
  return fields(one).toSorted().join() === fields(other).toSorted().join();
}

function openMover(known: TargetRow, masterKey: Secret<Buffer>): string | undefined {
  const { kind, path, mover_key_id: accessKeyId, sealed_mover_secret: sealed } = known;
  const kept = { kind, path, address: { ...known.address, accessKeyId }, sealedSecret: sealed ?? undefined };
  const opened = openAddress(kept, masterKey.reveal());
  return opened.kind === "s3" ? opened.secretAccessKey : undefined;
}

function wantedAgain(known: TargetRow): WantedTarget {
  const { kind, path, address, mover_key_id: keyId, sealed_mover_secret: sealedSecret, report } = known;
  const mover = keyId === null || sealedSecret === null ? undefined : { keyId, sealedSecret };
  return { kind, path, address, sealedSecret: known.sealed_secret ?? undefined, mover, report };
}

/** Finds out what a target does, as its owner and as datamovers see it, and seals what opens it. */
export async function probeConfigured(
  world: Omit<Registration, "database">,
  configured: ConfiguredTarget,
): Promise<WantedTarget> {
  const { clock, log, signal } = world;
  const { target, report } = await probeTarget(configured.target, { clock, signal });
  const key = world.masterKey.reveal();
  const sealed = sealAddress(target, key);
  if (configured.mover === undefined || target.kind === "directory") {
    log.info("target.probed", { target: sealed.path, report });
    return { ...sealed, mover: undefined, report };
  }
  const movers = { ...target, ...configured.mover };
  const { report: asMover } = await probeTarget(movers, { clock, signal });
  log.info("target.probed", { target: sealed.path, report, asMover });
  const sealedSecret = sealAddress(movers, key).sealedSecret ?? Buffer.alloc(0);
  const mover = { keyId: configured.mover.accessKeyId, sealedSecret };
  return { ...sealed, mover, report: { ...report, mover: asMover } };
}
