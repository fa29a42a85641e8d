import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** PostgreSQL refuses to run as root: then it runs under an account of its own. */
export type Account =
  | { readonly kind: "own" }
  | { readonly kind: "other"; readonly uid: number; readonly gid: number; readonly reachesAll: boolean };

/** A command line with what `spawn` needs to run it under an account. */
export interface AccountCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly ids: { readonly uid?: number; readonly gid?: number };
}

/**
 * Under which account PostgreSQL runs here: ours, unless we are root; then `postgres` when the system has it,
 * else `nobody`. `paths` are what it must reach; when a private folder is in the way (such as /root), it
 * keeps the one capability that passes through folders. (Programs that it runs must lie in the open:
 * PostgreSQL looks for its own by access(2), which knows no capabilities of another account.)
 */
export async function chooseAccount(uid: number, paths: readonly string[]): Promise<Account> {
  if (uid !== 0) return { kind: "own" };
  const known = await readFile("/etc/passwd", "utf8");
  const ids = idsOf(known, "postgres") ?? idsOf(known, "nobody") ?? { uid: 65_534, gid: 65_534 };
  const open = await Promise.all(paths.map(isOpenToAll));
  return { kind: "other", ...ids, reachesAll: open.every(Boolean) };
}

function idsOf(passwd: string, name: string): { uid: number; gid: number } | undefined {
  const fields = passwd
    .split("\n")
    .find((line) => line.startsWith(`${name}:`))
    ?.split(":");
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

/** Whether everybody may pass through every folder above a path. */
export async function isOpenToAll(path: string): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** How to run a program under an account. */
export function commandUnder(account: Account, file: string, args: readonly string[]): AccountCommand {
  if (account.kind === "own") return { file, args, ids: {} };
  if (account.reachesAll) return { file, args, ids: { uid: account.uid, gid: account.gid } };
  // util-linux's setpriv: changes the account and keeps CAP_DAC_OVERRIDE over the exec as an ambient
  // capability.
  const drop = [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--",
  ];
  return { file: "setpriv", args: [...drop, file, ...args], ids: {} };
}
