import { assert } from "@cairn/kernel";

/** One change of a table, as it stands in the journal. `row` is absent when the row was removed. */
export interface Change {
  readonly table: string;
  readonly id: string;
  readonly row?: unknown;
}

/**
 * Rows by id, in the order of their making. Rows are values: a change puts a new row in the old one's
 * place.
 */
export class Table<Row extends { readonly id: string }> {
  readonly name: string;
  readonly #rows = new Map<string, Row>();
  readonly #record: (change: Change) => void;

  constructor(name: string, record: (change: Change) => void) {
    this.name = name;
    this.#record = record;
  }

  find(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  get(id: string): Row {
    const row = this.#rows.get(id);
    assert(row !== undefined, `no ${this.name} ${id}`);
    return row;
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }

  where(accepts: (row: Row) => boolean): Row[] {
    return this.all().filter((row) => accepts(row));
  }

  put(row: Row): Row {
    this.#record({ table: this.name, id: row.id, row });
    this.#rows.set(row.id, row);
    return row;
  }

  /** The row with some fields replaced; it must exist. */
  patch(id: string, fields: Partial<Row>): Row {
    return this.put({ ...this.get(id), ...fields });
  }

  /** Absent is removed. */
  remove(id: string): void {
    if (!this.#rows.has(id)) return;
    this.#record({ table: this.name, id });
    this.#rows.delete(id);
  }

  /** Takes a change from the journal without writing it again. */
  replay(change: Change): void {
    if (change.row === undefined) this.#rows.delete(change.id);
    else this.#rows.set(change.id, change.row as Row);
  }
}
