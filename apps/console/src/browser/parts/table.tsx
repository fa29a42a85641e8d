import type { ReactNode } from "react";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly show: (row: Row) => ReactNode;
  readonly kind?: "name" | "number";
}

/** A table with its rows; on a narrow screen each row is a card. `label` says what it is of. */
export function Table<Row>({
  label,
  columns,
  rows,
  keyOf,
}: {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
}) {
  return (
    <div className="table-box">
      <table className="cards" aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ title, kind }) => (
              <th key={title} scope="col" className={kind === "number" ? "number" : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, show, kind }) => (
                <td key={title} data-label={title} className={kind}>
                  {show(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
