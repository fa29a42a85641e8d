import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "./layout.ts";

/** Each process of a cloud, and what it starts in turn, carries this name with the cloud's folder. */
export const MARK = "CAIRN_TESTCLOUD";

/** Debian's own programs; a Python of somebody's that comes first in the PATH would miss Debian's modules. */
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Whether Debian's program of this name is there: before the packages are, some are not. */
export function isInstalled(program: string): boolean {
  return SYSTEM_PATH.split(":").some((folder) => existsSync(join(folder, program)));
}

/** The whole environment of commands and services: no proxy, no locale and no Python of the caller. */
export function environmentOf(layout: Layout): Readonly<Record<string, string>> {
  return {
    PATH: `${layout.bin}:${SYSTEM_PATH}`,
    HOME: layout.home,
    LANG: "C.UTF-8",
    [MARK]: layout.root,
  };
}

/** For work on the machine itself, before there is a folder: packages, and looking around. */
export const MACHINE_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: SYSTEM_PATH,
  HOME: "/root",
  LANG: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
};
