import { replaceWrappedKeys } from "@cairn/database";
import { assert, Fault, hasCode, type RepositoryId, Secret } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import {
  type Credential,
  changeKeySet,
  createKeySet,
  initRepository,
  type KeyProvider,
  type KeySet,
  type NewSlot,
  openKeySet,
  readDestruction,
  readKeySet,
  repositoryNames,
  systemRandomness,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { FlowContext } from "./step.ts";
import { type WorkloadSecret, wrongSecret } from "./workload-secret.ts";

/** What opens repositories besides the engine's key file. */
export interface KeyPolicy {
  /** 32 bytes. Its private half opens every repository when everything else is lost. */
  readonly escrowPublicKey?: Buffer;
  /** The operator said expressly that there shall be no escrow. */
  readonly withoutEscrow: boolean;
  /** Each project's repository gets a Barbican secret of its project, which the service user may read. */
  readonly barbican: boolean;
}

const KEY_BYTES = 32;

/** Where the keys of Barbican slots come from, as these credentials see Barbican. */
export function barbicanProvider(cloud: Cloud): KeyProvider {
  return {
    fetch: async (secretId, signal) => (await cloud.barbican.secrets.payload(secretId, signal)).reveal(),
  };
}

type KeyContext = Pick<FlowContext, "masterKey" | "admin">;

/** What an engine opens repositories with: its key file first, which asks nobody. */
export function engineCredentials({ masterKey, admin }: KeyContext): Credential[] {
  return [
    { kind: "key-file", key: masterKey.reveal() },
    { kind: "barbican", provider: barbicanProvider(admin) },
  ];
}

/** Opens the keys that the database has. Fault `keys-destroyed` when it says that there are none any more. */
export async function openWrappedKeys(
  context: KeyContext & Pick<FlowContext, "signal">,
  repositoryId: RepositoryId,
  wrapped: Buffer,
): Promise<KeySet> {
  requireKeys(repositoryId, wrapped);
  const credentials = engineCredentials(context);
  return openKeySet({ repositoryId, bytes: wrapped, credentials, signal: context.signal });
}

function requireKeys(repositoryId: RepositoryId, wrapped: Buffer): void {
  if (wrapped.length > 0) return;
  throw new Fault("keys-destroyed", `opening repository ${repositoryId}: its keys were destroyed`, "never");
}

/**
 * The first key set of a new repository: the engine's key file, and the escrow. Barbican's slot comes later.
 */
export async function firstKeySet(
  context: FlowContext,
  repositoryId: RepositoryId,
  secret?: WorkloadSecret,
): Promise<KeySet> {
  const { keyPolicy, clock } = context;
  if (secret !== undefined) {
    const { id: secretId, payload } = secret;
    const tenant = { kind: "secret", label: "tenant", secretId, payload: payload.reveal() } as const;
    const slots = [tenant, ...[engineSlot(context), ...escrowSlots(keyPolicy)].map(structureOnly)];
    // The tenant decided that nobody else opens them: no escrow could, or it would be no such decision.
    return createKeySet({ repositoryId, slots, withoutEscrow: true, at: clock.now() });
  }
  const { withoutEscrow } = keyPolicy;
  const slots = [engineSlot(context), ...escrowSlots(keyPolicy)];
  return createKeySet({ repositoryId, slots, withoutEscrow, at: clock.now() });
}

/** Maintenance and listings go on without the tenant's secret; reading disks does not. */
function structureOnly(slot: NewSlot): NewSlot {
  return { ...slot, rights: "structure" };
}

function engineSlot({ masterKey }: KeyContext): NewSlot {
  return { kind: "key-file", label: "engine", key: masterKey.reveal() };
}

function escrowSlots({ escrowPublicKey }: KeyPolicy): NewSlot[] {
  return escrowPublicKey === undefined
    ? []
    : [{ kind: "escrow", label: "escrow", publicKey: escrowPublicKey }];
}

/** A repository whose keys are looked after. */
export interface KeptRepository {
  readonly repositoryId: RepositoryId;
  readonly store: Store;
  /** The key set as the database has it. */
  readonly wrapped: Buffer;
  /** Of an encrypted workload's repository: what opens its data. */
  readonly secret?: WorkloadSecret | undefined;
}

/**
 * Makes the repository on the target if it is not there, takes over key sets that somebody else wrote (the
 * target is the truth), and adds the slots that the policy wants. Each step can be repeated after a crash.
 */
export async function keepKeys(context: FlowContext, kept: KeptRepository): Promise<void> {
  const { repositoryId, store } = kept;
  const { signal } = context;
  const names = repositoryNames(repositoryId);
  if ((await store.size(names.marker, signal)) === undefined) {
    await refuseDestroyed(context, kept);
    await initRepository(store, { repositoryId, keySet: kept.wrapped, signal });
  }
  const newest = await takeOver(context, kept);
  if (kept.secret !== undefined && newest.rights !== "all") {
    throw wrongSecret(kept.secret.id, context.run.subject.workloadId);
  }
  await addWantedSlots(context, kept, newest);
}

async function refuseDestroyed(
  context: FlowContext,
  { repositoryId, store, wrapped }: KeptRepository,
): Promise<void> {
  const destroyed = await readDestruction(store, { repositoryId, signal: context.signal });
  if (destroyed === undefined && wrapped.length > 0) return;
  throw new Fault("keys-destroyed", `opening repository ${repositoryId}: its keys were destroyed`, "never");
}

/** A tenant's secret opens everything, and comes first. */
function credentialsFor(context: KeyContext, { secret }: KeptRepository): Credential[] {
  const ours = engineCredentials(context);
  return secret === undefined ? ours : [{ kind: "secret", payload: secret.payload.reveal() }, ...ours];
}

/** The newest key set. Two requests tell that the database has it; only otherwise the target is listed. */
async function takeOver(context: FlowContext, kept: KeptRepository): Promise<KeySet> {
  const { repositoryId, store, wrapped } = kept;
  const { signal, log } = context;
  requireKeys(repositoryId, wrapped);
  const credentials = credentialsFor(context, kept);
  const known = await openKeySet({ repositoryId, bytes: wrapped, credentials, signal });
  const names = repositoryNames(repositoryId);
  const name = names.keySet(known.sequence, known.id);
  const next = names.keySet(known.sequence + 1, known.id);
  const isNewest = (await store.size(next, signal)) === undefined;
  if (isNewest && (await store.size(name, signal)) !== undefined) return known;
  await refuseDestroyed(context, kept);
  try {
    const atLeast = known.sequence;
    const { passedOver, ...newest } = await readKeySet(store, { repositoryId, credentials, atLeast, signal });
    const [lost] = passedOver;
    // Keys of a newer epoch may be in it: whoever writes with older ones undoes a rotation.
    if (lost !== undefined) throw lost.why;
    await remember(context, kept, newest);
    return newest;
  } catch (cause) {
    const isGone = hasCode(cause, "keys-missing") || hasCode(cause, "keys-downgraded");
    if (!isGone) throw cause;
    log.warn("keys.put-back", { repository: repositoryId, name });
    await store.put(name, [wrapped], signal);
    return known;
  }
}

async function remember(context: FlowContext, kept: KeptRepository, newest: KeySet): Promise<void> {
  if (newest.bytes.equals(kept.wrapped)) return;
  const change = { id: kept.repositoryId, from: kept.wrapped, to: newest.bytes };
  const replaced = await replaceWrappedKeys(context.database.handle, change);
  context.log.info("keys.taken-over", { repository: kept.repositoryId, sequence: newest.sequence, replaced });
}

async function addWantedSlots(context: FlowContext, kept: KeptRepository, newest: KeySet): Promise<void> {
  const { keyPolicy, clock, signal, log } = context;
  const add =
    kept.secret === undefined
      ? await missingSlots(context, newest)
      : await missingStructureSlots(context, newest);
  if (add.length === 0) return;
  const { withoutEscrow } = keyPolicy;
  const next = await changeKeySet(kept.store, newest, { add, withoutEscrow, at: clock.now(), signal });
  log.info("keys.slots-added", { repository: kept.repositoryId, slots: add.map(({ label }) => label) });
  await remember(context, kept, next);
}

/** In an encrypted workload's set: a key file or an escrow that came later. */
async function missingStructureSlots(context: FlowContext, set: KeySet): Promise<NewSlot[]> {
  const { keyPolicy, masterKey, signal } = context;
  const { repositoryId, bytes } = set;
  const add: NewSlot[] = [];
  const credentials = [{ kind: "key-file", key: masterKey.reveal() } as const];
  try {
    await openKeySet({ repositoryId, bytes, credentials, signal });
  } catch (cause) {
    if (!hasCode(cause, "wrong-key")) throw cause;
    add.push(engineSlot(context));
  }
  const escrow = keyPolicy.escrowPublicKey?.toString("base64");
  if (!set.slots.some(({ publicKey }) => publicKey === escrow)) add.push(...escrowSlots(keyPolicy));
  return add.map(structureOnly);
}

async function missingSlots(context: FlowContext, set: KeySet): Promise<NewSlot[]> {
  const { keyPolicy } = context;
  const add: NewSlot[] = [];
  // The engine has a new key file, and Barbican bridged the gap.
  if (set.openedBy?.kind === "barbican") add.push(engineSlot(context));
  const escrow = keyPolicy.escrowPublicKey?.toString("base64");
  if (!set.slots.some(({ publicKey }) => publicKey === escrow)) add.push(...escrowSlots(keyPolicy));
  const hasSecret = set.slots.some(({ kind }) => kind === "barbican");
  if (keyPolicy.barbican && !hasSecret) add.push(await barbicanSlot(context, set.repositoryId));
  return add;
}

/**
 * The project's secret, found by its name when an attempt before this one made it. The service user reads it
 * before it counts: a slot that the service cannot open would be discovered on the worst of days.
 */
async function barbicanSlot(context: FlowContext, repositoryId: string): Promise<NewSlot> {
  const { cloud, admin, signal } = context;
  const { secrets } = cloud.barbican;
  const name = secretName(repositoryId);
  const [found] = await secrets.list({ name }, signal);
  const payload = new Secret(systemRandomness(KEY_BYTES));
  const secretId = found?.id ?? (await secrets.create({ name, payload }, signal));
  await secrets.setReaders(secretId, { users: [await admin.userId(signal)], projectAccess: true }, signal);
  const key = await barbicanProvider(admin).fetch(secretId, signal);
  assert(found !== undefined || key.equals(payload.reveal()), "Barbican gives back what it was given");
  return { kind: "barbican", label: "project", secretId, key };
}

/** What a project sees of its key among its secrets. */
export function secretName(repositoryId: string): string {
  return `cairn-repository-${repositoryId}`;
}
