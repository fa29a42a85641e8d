import { join } from "node:path";

/** Where everything of one test cloud lies. Nothing else is written but what the journal of changes names. */
export interface Layout {
  readonly root: string;
  /** Configuration, written anew by each `up`. */
  readonly conf: string;
  /** Process records and sockets. */
  readonly run: string;
  readonly log: string;
  /** What lives on when the processes are down: databases, disks, images, keys. */
  readonly data: string;
  /** Stand-ins that come first in the services' PATH. */
  readonly bin: string;
  readonly guest: string;
  /** Cairn's plugin for Horizon, as it was built for this cloud; exists while it may be installed. */
  readonly plugin: string;
  /** HOME of every service: Python's tools leave caches there. */
  readonly home: string;
  /** Copies of what `up` changes elsewhere on the machine, for `purge`. */
  readonly former: string;
  readonly settingsFile: string;
  readonly journalFile: string;
  /** Exists while the cloud is usable. */
  readonly readyFile: string;
}

/** UNIX sockets may have 107 bytes; the longest of ours, Ceph's, takes 47 after the root. */
export const ROOT_LENGTH_MAX = 58;

export function layoutAt(root: string): Layout {
  return {
    root,
    conf: join(root, "conf"),
    run: join(root, "run"),
    log: join(root, "log"),
    data: join(root, "data"),
    bin: join(root, "bin"),
    guest: join(root, "guest"),
    plugin: join(root, "plugin"),
    home: join(root, "home"),
    former: join(root, "former"),
    settingsFile: join(root, "settings.json"),
    journalFile: join(root, "changes.json"),
    readyFile: join(root, "ready"),
  };
}
