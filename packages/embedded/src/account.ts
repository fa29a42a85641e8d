import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

/** An account for the programs of the tree, as a host gives it to a service; only root can give it. */
export interface Account {
  /** Name of its user, whose own group is its first. */
  readonly user: string;
  /** Names of further groups; those that the system gives the user are left out. */
  readonly groups: readonly string[];
  /** Of the datamover, as systemd's AmbientCapabilities: `dac_override`. */
  readonly capabilities: readonly string[];
}

/**
 * What stands before a program's command line, for util-linux's setpriv. The datamover has what the account
 * says; the others may pass through private folders besides, for the tree's database lies in one.
 */
export function underAccount(account: Account, isDatamover: boolean): readonly string[] {
  const { user, groups } = account;
  const kept = isDatamover ? account.capabilities : ["dac_override"];
  const capabilities = kept.map((name) => `+${name}`).join(",");
  return [
    "setpriv",
    `--reuid=${user}`,
    `--regid=${user}`,
    groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
    ...(kept.length === 0 ? [] : [`--inh-caps=${capabilities}`, `--ambient-caps=${capabilities}`]),
    "--",
  ];
}

/** Gives folders, with all that is in them, to the account; they are made when absent. */
export async function giveFolders({ user }: Account, folders: readonly string[]): Promise<void> {
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o711 });
  await promisify(execFile)("chown", ["-R", "--", `${user}:${user}`, ...folders]);
}
