import type { MaintenanceState, RecordKind } from "@cairn/repository";

/** What a state calls damaged. */
export class KnownDamage {
  readonly #packs = new Map<string, ReadonlySet<string> | "all">();

  constructor(state: Pick<MaintenanceState, "damaged">) {
    for (const { pack, kind, ids } of state.damaged) {
      this.#packs.set(`${kind} ${pack}`, ids === "all" ? "all" : new Set(ids));
    }
  }

  get empty(): boolean {
    return this.#packs.size === 0;
  }

  has(kind: RecordKind, pack: string): boolean {
    return this.#packs.has(`${kind} ${pack}`);
  }

  covers(kind: RecordKind, record: { readonly pack: string; readonly id: Buffer }): boolean {
    if (this.#packs.size === 0) return false;
    const ids = this.#packs.get(`${kind} ${record.pack}`);
    return ids === "all" || ids?.has(record.id.toString("hex")) === true;
  }
}
