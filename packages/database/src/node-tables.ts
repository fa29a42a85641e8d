import type { HostName } from "@cairn/kernel";
import type { ColumnType, Selectable } from "kysely";

type Now = ColumnType<Date, Date | undefined, Date>;

/** What can be taken out of service on a node. */
export type NodeService = "engine" | "datamover";

interface EngineTable {
  name: string;
  host: HostName;
  version: string;
  address: string;
  started_at: Now;
  seen_at: Now;
}

interface DisabledServiceTable {
  host: HostName;
  service: NodeService;
  reason: string;
  by_user: string;
  at: Now;
}
export type DisabledServiceRow = Selectable<DisabledServiceTable>;

/** The tables about what does the work. */
export interface NodeTables {
  engine: EngineTable;
  disabled_service: DisabledServiceTable;
}
