import { type Static, Type } from "typebox";
import type { Route } from "./route.ts";
import { nullable, Timestamp, WireId } from "./shapes.ts";

const none = Type.Object({});
const text = Type.Optional(nullable(Type.String({ maxLength: 64, description: "YYYY-MM-DDTHH:MM:SS, UTC" })));

/** Body of a search for files. */
export const SearchFiles = Type.Object({
  file_search: Type.Object({
    vm_id: WireId,
    filepath: Type.String({
      minLength: 1,
      maxLength: 8192,
      description: "from the root of a file system; * and ? as shells have them, ** for any folders",
    }),
    snapshot_ids: Type.Optional(Type.Array(WireId, { maxItems: 10_000 })),
    start: Type.Optional(Type.Integer({ description: "so many of the first snapshots; 0: does not count" })),
    end: Type.Optional(Type.Integer({ description: "so many of the latest snapshots; 0: does not count" })),
    date_from: text,
    date_to: text,
  }),
});
export type SearchFiles = Static<typeof SearchFiles>;

/** A search, with exactly the fields that the reference's has. */
export const FileSearch = Type.Object({
  id: Type.Integer(),
  status: Type.Union([Type.Literal("executing"), Type.Literal("completed"), Type.Literal("error")]),
  vm_id: WireId,
  filepath: Type.String(),
  error_msg: nullable(Type.String({ description: "why it failed; or what of a completed one is missing" })),
  json_resp: nullable(
    Type.String({
      description:
        "a literal of JSON and of Python: for each snapshot its disks, with the facts of each path",
    }),
  ),
  created_at: Timestamp,
  updated_at: nullable(Timestamp),
  deleted_at: nullable(Timestamp),
});
export type FileSearch = Static<typeof FileSearch>;

/** A disk, partition or logical volume of an instance in a snapshot. */
export const FileVolume = Type.Object({
  label: Type.String({ description: "vda1, vdb, group/volume" }),
  format: Type.String({ description: "ext4, xfs, swap, unknown …" }),
  readable: Type.Boolean(),
});
export type FileVolume = Static<typeof FileVolume>;

/** What `ls -l` shows of a file. */
export const FileEntry = Type.Object({
  path: Type.String(),
  permissions: Type.String({ description: "such as -rw-r--r--" }),
  mode: Type.Integer(),
  size: Type.Integer({ description: "bytes" }),
  uid: Type.Integer(),
  gid: Type.Integer(),
  links: Type.Integer(),
  inode: Type.Integer(),
  accessed: Type.String({ description: "UTC" }),
  modified: Type.String({ description: "UTC" }),
  changed: Type.String({ description: "UTC" }),
  target: Type.Optional(Type.String({ description: "of a symbolic link" })),
});
export type FileEntry = Static<typeof FileEntry>;

const snapshotParams = Type.Object({ snapshot_id: WireId, workload_id: Type.Optional(WireId) });
const filePath = Type.String({ minLength: 1, maxLength: 8192 });

/** Files inside of snapshots: searching them, looking at them, fetching one. */
export const fileRoutes = {
  searchFiles: {
    scope: "project",
    methods: ["POST"],
    paths: ["/search"],
    params: none,
    query: Type.Object({
      wait: Type.Optional(
        Type.Boolean({ description: "answer when it has ended, or after 25 s as far as it is by then" }),
      ),
    }),
    body: SearchFiles,
    reply: Type.Object({ file_search: FileSearch }),
    status: 200,
    action: "file_search:file_search",
    effect: "change",
    summary: "Search the disks of an instance for files, in some or all of its snapshots",
  },
  listFileSearches: {
    scope: "project",
    methods: ["GET"],
    paths: ["/search"],
    params: none,
    query: Type.Object({
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      marker: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647 })),
    }),
    reply: Type.Object({ file_search: Type.Array(FileSearch) }),
    status: 200,
    action: "file_search:file_search_get_all",
    effect: "read",
    summary: "List searches for files, newest first, without what they found",
  },
  showFileSearch: {
    scope: "project",
    methods: ["GET"],
    paths: ["/search/{search_id}"],
    params: Type.Object({ search_id: Type.String({ pattern: "^[1-9]\\d{0,8}$" }) }),
    query: none,
    reply: Type.Object({ file_search: FileSearch }),
    status: 200,
    action: "file_search:file_search_get",
    effect: "read",
    summary: "Show a search for files, and what it found",
  },
  listFiles: {
    scope: "project",
    methods: ["GET"],
    paths: ["/snapshots/{snapshot_id}/files"],
    params: snapshotParams,
    query: Type.Object({
      vm_id: Type.Optional(WireId),
      volume: Type.Optional(
        Type.String({ maxLength: 512, description: "label; without one, volumes are listed" }),
      ),
      path: Type.Optional(filePath),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      marker: Type.Optional(
        Type.String({ maxLength: 512, description: "name of the last file of the page before" }),
      ),
    }),
    reply: Type.Object({
      volumes: Type.Array(FileVolume),
      files: Type.Array(FileEntry),
      more: Type.Boolean({ description: "there are further ones" }),
    }),
    status: 200,
    action: "snapshot:snapshot_file_list",
    effect: "change",
    summary: "List a folder of a disk in a snapshot, or the volumes that there are",
  },
  getFile: {
    scope: "project",
    methods: ["GET"],
    paths: ["/snapshots/{snapshot_id}/files/content"],
    params: snapshotParams,
    query: Type.Object({
      vm_id: Type.Optional(WireId),
      volume: Type.Optional(Type.String({ maxLength: 512, description: "label, as listed; needed" })),
      path: Type.Optional(filePath),
    }),
    download: true,
    status: 200,
    action: "snapshot:snapshot_file_get",
    effect: "change",
    summary: "Download a file of a disk in a snapshot, or a folder as a tar archive",
  },
} as const satisfies Record<string, Route>;
