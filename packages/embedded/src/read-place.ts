import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault, hasCode } from "@cairn/kernel";
import type { OpenStackPlace } from "./part-environment.ts";

/** Where `./cairn testcloud up` makes its cloud unless told. */
const DEFAULT_FOLDER = "/var/tmp/cairn-testcloud";
const FIELDS = [
  "authUrl",
  "region",
  "computeHost",
  "libvirtSocket",
  "scratchFolder",
  "volumesFolder",
  "programsFolder",
] as const;

/**
 * The cloud in a folder of the test cloud's, as its `place.json` tells; `testcloud` is the default folder.
 * Fault `no-cloud` when there is none.
 */
export async function readPlace(cloud: string): Promise<OpenStackPlace> {
  const folder = cloud === "testcloud" ? DEFAULT_FOLDER : cloud;
  try {
    const found: unknown = JSON.parse(await readFile(join(folder, "place.json"), "utf8"));
    if (isPlace(found)) return { ...found, busUrl: await busOf(folder) };
  } catch (cause) {
    if (!hasCode(cause, "ENOENT") && !(cause instanceof SyntaxError)) throw cause;
  }
  const remedy = "start one with ./cairn testcloud up";
  throw new Fault("no-cloud", `${folder} holds no test cloud that is up: ${remedy}`, "after-operator");
}

/** The message bus, with its password; the cloud's own file tells it, which a place written by hand lacks. */
async function busOf(folder: string): Promise<string | undefined> {
  try {
    const access = JSON.parse(await readFile(join(folder, "access.json"), "utf8")) as AccessFile;
    return access.bus?.url;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw cause;
  }
}

interface AccessFile {
  readonly bus?: { readonly url?: string };
}

function isPlace(value: unknown): value is OpenStackPlace {
  if (typeof value !== "object" || value === null) return false;
  const place = value as Readonly<Record<string, unknown>>;
  const { passwords } = place;
  return FIELDS.every((name) => typeof place[name] === "string") && typeof passwords === "object";
}

/** What `cairn setup keystone` is started with: the administrator's variables, and the service's password. */
export function setupEnvironment({
  authUrl,
  region,
  passwords,
}: OpenStackPlace): Readonly<Record<string, string | undefined>> {
  return {
    OS_AUTH_URL: authUrl,
    OS_USERNAME: "admin",
    OS_PASSWORD: passwords["admin"],
    OS_PROJECT_NAME: "admin",
    OS_USER_DOMAIN_NAME: "Default",
    OS_PROJECT_DOMAIN_NAME: "Default",
    OS_REGION_NAME: region,
    OS_IDENTITY_API_VERSION: "3",
    CAIRN_SERVICE_PASSWORD: passwords["cairn"],
  };
}
