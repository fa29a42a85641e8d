import { damaged } from "../bytes.ts";
import { JsonFields } from "../json-fields.ts";
import type {
  CondemnedPack,
  DamagedPack,
  Deletion,
  MaintenanceState,
  Release,
  SeenObjects,
} from "./state.ts";

export const STATE_MAGIC = "CAIRNSTA";
const KINDS = ["chunk", "page"] as const;
const CONDEMNED_WHY = ["unreferenced", "moved"] as const;

/**
 * The JSON of a state object, before it is sealed. Fields in a fixed order, so that equal states are equal.
 */
export function encodeState(state: MaintenanceState): Buffer {
  const { epoch, at, by, condemned, deleting, damaged: bad, relocations, lockFloor, released, seen } = state;
  return Buffer.from(
    JSON.stringify({
      epoch,
      at,
      by,
      condemned: condemned.map(({ pack, kind, epoch: since, at: when, bytes, why, settled }) => {
        return { pack, kind, epoch: since, at: when, bytes, why, settled };
      }),
      deleting: deleting.map(({ name, bytes, why, by: who }) => ({ name, bytes, why, by: who })),
      damaged: bad.map(({ pack, kind, ids }) => ({ pack, kind, ids })),
      relocations,
      lockFloor,
      released: released.map(({ epoch: since, snapshots }) => ({ epoch: since, snapshots })),
      seen,
    }),
  );
}

/** Reads a state that was opened. Fields that are not known are ignored. */
export function decodeState(name: string, bytes: Buffer): MaintenanceState {
  const fields = JsonFields.parse(name, bytes);
  const lockFloor = fields.optionalCount("lockFloor");
  const seen = fields.optionalObject("seen");
  return {
    epoch: fields.count("epoch"),
    at: fields.count("at"),
    by: fields.text("by"),
    condemned: fields.objects("condemned").map((each) => decodeCondemned(name, each)),
    deleting: fields.objects("deleting").map(decodeDeletion),
    damaged: fields.objects("damaged").map((each) => decodeDamaged(name, each)),
    relocations: fields.texts("relocations"),
    ...(lockFloor === undefined ? {} : { lockFloor }),
    released: fields.objects("released").map(decodeRelease),
    ...(seen === undefined ? {} : { seen: decodeSeen(seen) }),
  };
}

function decodeCondemned(name: string, fields: JsonFields): CondemnedPack {
  return {
    pack: packId(name, fields),
    kind: fields.oneOf("kind", KINDS),
    epoch: fields.count("epoch"),
    at: fields.count("at"),
    bytes: fields.count("bytes"),
    why: fields.oneOf("why", CONDEMNED_WHY),
    ...(fields.flag("settled") ? { settled: true } : {}),
  };
}

function decodeDeletion(fields: JsonFields): Deletion {
  return {
    name: fields.text("name"),
    bytes: fields.count("bytes"),
    why: fields.text("why"),
    by: fields.text("by"),
  };
}

function decodeDamaged(name: string, fields: JsonFields): DamagedPack {
  const ids = fields.isText("ids") ? fields.oneOf("ids", ["all"]) : fields.texts("ids");
  return { pack: packId(name, fields), kind: fields.oneOf("kind", KINDS), ids };
}

function decodeRelease(fields: JsonFields): Release {
  return { epoch: fields.count("epoch"), snapshots: fields.texts("snapshots") };
}

function decodeSeen(fields: JsonFields): SeenObjects {
  const commits = fields.optionalObject("commits");
  const workloads = commits?.keys() ?? [];
  return {
    chunkPacks: fields.count("chunkPacks"),
    pagePacks: fields.count("pagePacks"),
    segments: fields.count("segments"),
    commits: Object.fromEntries(workloads.map((workload) => [workload, commits?.texts(workload) ?? []])),
    sessions: fields.texts("sessions"),
  };
}

function packId(name: string, fields: JsonFields): string {
  const pack = fields.text("pack");
  if (!/^[0-9a-f]{32}$/.test(pack)) throw damaged(name, 0, `pack is ${JSON.stringify(pack.slice(0, 40))}`);
  return pack;
}
