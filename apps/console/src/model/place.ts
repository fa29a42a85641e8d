import { OPERATOR_ROOMS, type OperatorRoom } from "./operator-rooms.ts";

import { RESTORE_KINDS, type RestoreKind } from "./restores.ts";

/** A page of the console, with what its address says. */
export type Place =
  | { readonly page: "overview" }
  | {
      readonly page: "workloads";
      /** Part of the name; empty: any. */
      readonly name: string;
      /** One status; empty: any. */
      readonly status: string;
      /** The last workload of the page before; empty: from the newest on. */
      readonly after: string;
    }
  | { readonly page: "workload"; readonly id: string; readonly after: string }
  | { readonly page: "new-workload" }
  | { readonly page: "modify-workload"; readonly id: string }
  | { readonly page: "snapshot"; readonly id: string }
  | { readonly page: "files" }
  | { readonly page: "file-search"; readonly id: string }
  | { readonly page: "project" }
  /** Where a restore of a snapshot is prepared. */
  | { readonly page: "restoring"; readonly id: string; readonly kind: RestoreKind }
  | { readonly page: "restore"; readonly id: string }
  | {
      readonly page: "operator";
      readonly room: OperatorRoom;
      /** What its list is narrowed to, by the names of the fields. */
      readonly filters: Filters;
    }
  | { readonly page: "unknown"; readonly path: string };

/** Values of fields; one that is empty is left out. */
export type Filters = Readonly<Record<string, string>>;

/** Everything that the list of workloads shows at first. */
export const ALL_WORKLOADS = { page: "workloads", name: "", status: "", after: "" } as const;

/**
 * The place that a fragment names. Addresses begin with `#!/`: AngularJS, which Horizon brings, rewrites `#/`
 * and takes back what is pushed into the path.
 */
export function parsePlace(fragment: string): Place {
  const text = fragment.replace(/^#!?\/?/, "");
  const [path = "", query = ""] = text.split("?", 2);
  const [room = "", id = "", ...more] = path.split("/").map(decoded);
  const values = new URLSearchParams(query);
  const value = (name: string): string => values.get(name) ?? "";
  if (room === "workloads" && id !== "" && more[0] === "modify" && more.length === 1) {
    return { page: "modify-workload", id };
  }
  if (room === "snapshots" && more.length === 2 && more[0] === "restore") {
    const kind = RESTORE_KINDS.find((each) => each === more[1]);
    if (kind !== undefined) return { page: "restoring", id, kind };
  }
  if (more.length > 0) return { page: "unknown", path };
  if (room === "" && id === "") return { page: "overview" };
  if (room === "workloads" && id === "") {
    return { page: "workloads", name: value("name"), status: value("status"), after: value("after") };
  }
  if (room === "new-workload" && id === "") return { page: "new-workload" };
  if (room === "files") return id === "" ? { page: "files" } : { page: "file-search", id };
  if (room === "project" && id === "") return { page: "project" };
  if (room === "workloads") return { page: "workload", id, after: value("after") };
  if (room === "snapshots" && id !== "") return { page: "snapshot", id };
  if (room === "restores" && id !== "") return { page: "restore", id };
  const operatorRoom = OPERATOR_ROOMS.find((each) => each === (id === "" ? "status" : id));
  if (room === "operator" && operatorRoom !== undefined) {
    return { page: "operator", room: operatorRoom, filters: Object.fromEntries(values) };
  }
  return { page: "unknown", path };
}

/** The address of a place within the page, which `parsePlace` reads back. */
export function hrefOf(place: Place): string {
  switch (place.page) {
    case "overview":
      return "#!/";
    case "workloads":
      return `#!/workloads${queryOf({ name: place.name, status: place.status, after: place.after })}`;
    case "workload":
      return `#!/workloads/${encodeURIComponent(place.id)}${queryOf({ after: place.after })}`;
    case "files":
    case "project":
      return `#!/${place.page}`;
    case "file-search":
      return `#!/files/${encodeURIComponent(place.id)}`;
    case "new-workload":
      return "#!/new-workload";
    case "modify-workload":
      return `#!/workloads/${encodeURIComponent(place.id)}/modify`;
    case "snapshot":
      return `#!/snapshots/${encodeURIComponent(place.id)}`;
    case "operator":
      return `#!/operator/${place.room}${queryOf(place.filters)}`;
    case "restoring":
      return `#!/snapshots/${encodeURIComponent(place.id)}/restore/${place.kind}`;
    case "restore":
      return `#!/restores/${encodeURIComponent(place.id)}`;
    case "unknown":
      return `#!/${place.path}`;
  }
}

/** The address of a workload's page. */
export function hrefOfWorkload(id: string): string {
  return hrefOf({ page: "workload", id, after: "" });
}

/** The address of an operator page, with nothing narrowed unless told. */
export function hrefOfOperator(room: OperatorRoom, filters: Filters = {}): string {
  return hrefOf({ page: "operator", room, filters });
}

/** The address of a snapshot's page. */
export function hrefOfSnapshot(id: string): string {
  return hrefOf({ page: "snapshot", id });
}

/** The address of a restore's page. */
export function hrefOfRestore(id: string): string {
  return hrefOf({ page: "restore", id });
}

function queryOf(values: Readonly<Record<string, string>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== "");
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}

/** A `%` that begins no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (cause instanceof URIError) return text;
    throw cause;
  }
}
