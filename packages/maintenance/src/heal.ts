import {
  beginSession,
  type DamagedPack,
  endSession,
  type MaintenanceState,
  openRelocations,
  packsToAvoid,
  type RecordKind,
  type Relocations,
  readState,
} from "@cairn/repository";
import type { Store } from "@cairn/store";
import type { HealedRecord, HealReport, HealRequest, UnhealedRecord } from "./heal-report.ts";
import { type Copies, findCopies, Prover } from "./heal-sources.ts";
import { changeState, mergeDamage } from "./record-damage.ts";
import { RecordMover } from "./record-mover.ts";
import type { RecordRef } from "./record-table.ts";
import { type Survey, surveyDamage } from "./survey.ts";

/** A healed page may show that pages below it are damaged, too: trees have fewer levels than this. */
const ROUNDS_MAX = 12;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Mends what the state calls damaged, as far as there is another copy: in the repository itself (a later
 * backup stored the chunk again, since writers do not refer to damaged packs), or on a mirror. What is still
 * sound in a damaged pack is moved out of it as well, so that nothing needs the pack any more and a sweep
 * removes it. No object is changed: records go into new packs, a relocation segment says so, and the next
 * state lists it. Packs that read well now were not damaged, and are struck off. A crash at any point leaves
 * the state before or after; call again.
 *
 * With structure keys alone, records of chunks cannot be proven one by one: a damaged pack is healed from
 * sound packs only. Faults: those of the store; `object-exists` (later) when other maintenance was faster
 * several times.
 */
export async function heal(request: HealRequest): Promise<HealReport> {
  const { store, handle, signal, sessionId } = request;
  await beginSession(store, handle, { sessionId, bases: [], lifetimeMs: DAY_MS, signal });
  const healed: HealedRecord[] = [];
  const readable = new Set<string>();
  for (let round = 1; ; round += 1) {
    const state = await readState(store, handle, { signal });
    const survey = await surveyDamage(request, state);
    const work = await healOnce(request, state, survey);
    healed.push(...work.healed);
    for (const pack of work.readable) readable.add(pack);
    request.onProgress?.({
      damagedRecords: healed.length + work.unhealed.length,
      healedRecords: healed.length,
    });
    if (work.healed.length > 0 && round < ROUNDS_MAX) continue;
    await endSession(store, handle, { sessionId, signal });
    const { degraded } = survey;
    return { epoch: work.epoch, healed, unhealed: work.unhealed, readable: [...readable], degraded };
  }
}

/** A record that has to get out of a damaged pack. */
interface Wanted {
  readonly kind: RecordKind;
  readonly ref: RecordRef;
  /** It lies in a damaged pack and is sound. */
  readonly sound: boolean;
}

interface Round {
  readonly epoch: number;
  readonly healed: readonly HealedRecord[];
  readonly unhealed: readonly UnhealedRecord[];
  readonly readable: readonly string[];
}

async function healOnce(request: HealRequest, state: MaintenanceState, survey: Survey): Promise<Round> {
  const { verification } = survey;
  const wanted = wantedRecords(survey);
  const readable = state.damaged.map(({ pack }) => pack).filter((pack) => verification.soundPacks.has(pack));
  if (wanted.length === 0 && readable.length === 0)
    return { epoch: state.epoch, healed: [], unhealed: [], readable };
  const sources = await openSources(request, state, wanted);
  const movers = { page: new RecordMover(request, "page"), chunk: new RecordMover(request, "chunk") };
  const healed: HealedRecord[] = [];
  const unhealed: UnhealedRecord[] = [];
  for (const record of wanted) {
    request.signal.throwIfAborted();
    const { kind, ref } = record;
    const said = { kind, id: ref.id.toString("hex"), pack: ref.pack, offset: ref.offset };
    const into = await place(sources, movers[kind], record);
    if (into === undefined) unhealed.push({ ...said, why: whyUnhealed(sources, kind) });
    else if (!record.sound) healed.push({ ...said, ...into });
  }
  const segments = [...(await movers.chunk.finish()), ...(await movers.page.finish())];
  const damaged = damagedAfter(wanted, unhealed);
  const { signal, handle, store, sessionId } = request;
  const epoch = await changeState({ store, handle, signal, by: `heal ${sessionId}` }, (newest) => {
    const kept = newest.damaged.filter(({ pack }) => !readable.includes(pack));
    const next = { damaged: mergeDamage(kept, damaged), relocations: [...newest.relocations, ...segments] };
    const same = JSON.stringify(next.damaged) === JSON.stringify(newest.damaged) && segments.length === 0;
    return same ? undefined : { ...newest, ...next };
  });
  return { epoch, healed, unhealed, readable };
}

function wantedRecords({ verification }: Survey): readonly Wanted[] {
  const wanted: Wanted[] = [];
  const page = (address: Omit<RecordRef, "plainBytes">): RecordRef => ({ ...address, plainBytes: 0 });
  for (const address of verification.failedPages())
    wanted.push({ kind: "page", ref: page(address), sound: false });
  for (const address of verification.soundPages.values()) {
    if (verification.soundPacks.has(address.pack)) continue;
    wanted.push({ kind: "page", ref: page(address), sound: true });
  }
  for (const { refs } of verification.failed.byPack()) {
    for (const ref of refs) wanted.push({ kind: "chunk", ref, sound: false });
  }
  for (const { refs } of verification.sound.byPack()) {
    for (const ref of refs) wanted.push({ kind: "chunk", ref, sound: true });
  }
  return wanted;
}

interface Sources {
  readonly store: Store;
  readonly prover: Prover;
  readonly own: Readonly<Record<RecordKind, Copies>>;
  readonly mirror?: {
    readonly store: Store;
    readonly relocations: Relocations;
    readonly copies: Readonly<Record<RecordKind, Copies>>;
  };
}

async function openSources(
  request: HealRequest,
  state: MaintenanceState,
  wanted: readonly Wanted[],
): Promise<Sources> {
  const { store, handle, signal, mirror } = request;
  const ids = (kind: RecordKind): ReadonlySet<string> =>
    new Set(
      wanted.flatMap((each) => (each.kind === kind && !each.sound ? [each.ref.id.toString("latin1")] : [])),
    );
  const copiesIn = async (where: Store, avoid: ReadonlySet<string>): Promise<Record<RecordKind, Copies>> => ({
    chunk: await findCopies({ store: where, handle, kind: "chunk", ids: ids("chunk"), avoid, signal }),
    page: await findCopies({ store: where, handle, kind: "page", ids: ids("page"), avoid, signal }),
  });
  const failing = new Set(wanted.flatMap(({ ref, sound }) => (sound ? [] : [ref.pack])));
  const avoid = new Set([...packsToAvoid(state), ...failing]);
  const own = await copiesIn(store, avoid);
  const prover = new Prover(handle, signal);
  if (mirror === undefined) return { store, prover, own };
  const relocations = openRelocations(mirror, handle, { signal });
  return {
    store,
    prover,
    own,
    mirror: { store: mirror, relocations, copies: await copiesIn(mirror, new Set()) },
  };
}

/** Finds a sound copy of a record and gives it a place that is not damaged. */
async function place(
  sources: Sources,
  mover: RecordMover,
  record: Wanted,
): Promise<Pick<HealedRecord, "from" | "into"> | undefined> {
  const { store, prover, own, mirror } = sources;
  const { kind, ref, sound } = record;
  if (sound) {
    const here = await prover.sound(store, kind, ref);
    if (here === undefined) return undefined;
    return { from: "repository", into: await mover.move(ref.id, here.record, here.plainBytes) };
  }
  const key = ref.id.toString("latin1");
  for (const copy of own[kind].get(key) ?? []) {
    const there = await prover.sound(store, kind, copy);
    if (there === undefined) continue;
    mover.point({ ...copy, plainBytes: there.plainBytes });
    return { from: "repository", into: copy.pack };
  }
  if (mirror === undefined) return undefined;
  const moved = await mirror.relocations.find(kind, ref.id);
  const candidates = [
    ref,
    ...(moved === undefined ? [] : [{ ...moved, id: ref.id }]),
    ...(mirror.copies[kind].get(key) ?? []),
  ];
  for (const copy of candidates) {
    const there = await prover.sound(mirror.store, kind, copy);
    if (there === undefined) continue;
    return { from: "mirror", into: await mover.move(ref.id, there.record, there.plainBytes) };
  }
  return undefined;
}

function whyUnhealed(sources: Sources, kind: RecordKind): string {
  if (!sources.prover.opens(kind)) {
    return "no sound pack has it; data keys would tell the sound records of the damaged pack from the others";
  }
  const where = sources.mirror === undefined ? "the repository" : "the repository and the mirror";
  return `${where} have no other copy: a backup of a disk that holds the same bytes stores it again`;
}

/**
 * Packs that everything was moved out of count as damaged as a whole: readers and sweeps go by the
 * relocations, and nothing refers to them again. Of the others, what is known so far.
 */
function damagedAfter(
  wanted: readonly Wanted[],
  unhealed: readonly UnhealedRecord[],
): readonly DamagedPack[] {
  const left = new Set(unhealed.map(({ pack }) => pack));
  return wanted.map(({ kind, ref: { pack, id } }) => ({
    pack,
    kind,
    ids: left.has(pack) ? [id.toString("hex")] : "all",
  }));
}
