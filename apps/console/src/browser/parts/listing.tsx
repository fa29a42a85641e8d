import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Empty, Loaded } from "./notes.tsx";
import { type Column, Table } from "./table.tsx";

/** A table of what the API lists: its shape while it comes, why it does not, or what there is none of. */
export function Listing<Value, Row>({
  from,
  rowsOf,
  keyOf,
  label,
  columns,
  empty,
  children,
}: {
  readonly from: UseQueryResult<Value>;
  readonly rowsOf: (value: Value) => readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly empty: { readonly title: string; readonly hint?: string };
  /** What stands below the table, such as the way to the next page. */
  readonly children?: (rows: readonly Row[]) => ReactNode;
}) {
  return (
    <Loaded from={from}>
      {(value) => {
        const rows = rowsOf(value);
        return (
          <>
            {rows.length === 0 ? (
              <Empty {...empty} />
            ) : (
              <Table label={label} columns={columns} rows={rows} keyOf={keyOf} />
            )}
            {children?.(rows)}
          </>
        );
      }}
    </Loaded>
  );
}
