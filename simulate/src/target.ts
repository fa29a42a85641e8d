import { Fault } from "@cairn/kernel";

/** An object as it lies on the target, and what god knows of it. */
export interface StoredObject {
  /** What readers get. */
  bytes: Buffer;
  /** What was put: differs from `bytes` when the medium has damaged it. */
  readonly pristine: Buffer;
  readonly putAt: number;
  readonly putBy: string;
  /** From when on listings show it. */
  readonly listedFrom: number;
  lockedUntil: number | undefined;
}

/** Something that must never happen, by the name of the rule that it breaks. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(message);
    this.name = "Violation";
    this.rule = rule;
  }
}

export interface Removal {
  readonly name: string;
  readonly at: number;
  readonly by: string;
  readonly object: StoredObject;
  /** Until when listings still show it. */
  readonly listedUntil: number;
}

/**
 * A backup target as it is: objects, what the medium did to them, what was removed. Effects are instant
 * here; when they happen, and what a caller is told, is `port.ts`.
 */
export class Target {
  readonly name: string;
  readonly objects = new Map<string, StoredObject>();
  readonly removals: Removal[] = [];
  readonly violations: Violation[] = [];
  /** What was read to find a snapshot complete. */
  readonly checked = new Map<string, ReadonlySet<string>>();
  /** When each removal was first journaled, by name; and how far states and removals have been looked at. */
  readonly journaledAt = new Map<string, number>();
  readonly statesRead = new Set<string>();
  removalsChecked = 0;
  /** For how long from now every put is refused as full, and every call as away. */
  fullUntil = 0;
  awayUntil = 0;
  /** How far listings may lag behind at most. */
  readonly listLagMs: number;
  /** The first bytes of each name that ever was: no name gets others. */
  readonly #everPut = new Map<string, Buffer>();

  constructor(name: string, options: { readonly listLagMs: number }) {
    this.name = name;
    this.listLagMs = options.listLagMs;
  }

  put(
    name: string,
    bytes: Buffer,
    who: { readonly at: number; readonly by: string; readonly lagMs: number },
  ): void {
    const there = this.objects.get(name);
    if (there !== undefined) {
      if (there.pristine.equals(bytes)) return;
      throw new Fault("object-exists", `storing ${name}: the name is taken by other bytes`, "never");
    }
    const first = this.#everPut.get(name);
    if (first !== undefined && !first.equals(bytes)) {
      this.violations.push(
        new Violation("I1 names-are-never-reused", `${who.by} put other bytes under ${name}`),
      );
    }
    this.#everPut.set(name, first ?? bytes);
    this.objects.set(name, {
      bytes,
      pristine: bytes,
      putAt: who.at,
      putBy: who.by,
      listedFrom: who.at + who.lagMs,
      lockedUntil: undefined,
    });
  }

  find(name: string): StoredObject {
    const object = this.objects.get(name);
    if (object === undefined) throw new Fault("object-missing", `reading ${name}`, "never");
    return object;
  }

  range(name: string, offset: number, length: number): Buffer {
    const { bytes } = this.find(name);
    if (offset + length > bytes.length) {
      throw new Fault("object-short", `reading ${length} bytes at ${offset} of ${name}`, "never");
    }
    return Buffer.from(bytes.subarray(offset, offset + length));
  }

  remove(name: string, who: { readonly at: number; readonly by: string; readonly lagMs: number }): void {
    const object = this.objects.get(name);
    if (object === undefined) return;
    if (object.lockedUntil !== undefined && object.lockedUntil > who.at) {
      throw new Fault("object-locked", `removing ${name}: it is locked`, "later");
    }
    this.objects.delete(name);
    this.removals.push({ name, object, at: who.at, by: who.by, listedUntil: who.at + who.lagMs });
  }

  /** What a listing shows now: new names may be missing, removed ones still there. */
  list(prefix: string, at: number): readonly string[] {
    const shown = new Set<string>();
    for (const [name, object] of this.objects) if (object.listedFrom <= at) shown.add(name);
    for (const { name, listedUntil } of this.removals) if (listedUntil > at) shown.add(name);
    return [...shown].filter((name) => name.startsWith(prefix));
  }

  /** Names of objects that are not as they were put. */
  damaged(): ReadonlySet<string> {
    const names = [...this.objects].flatMap(([name, { bytes, pristine }]) =>
      bytes === pristine ? [] : [name],
    );
    return new Set(names);
  }
}
