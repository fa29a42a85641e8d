import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { OpenStackPlace } from "@cairn/embedded";
import { Fault, hasCode } from "@cairn/kernel";
import { cairnCommand } from "./cairn-command.ts";
import type { Narrator } from "./narrator.ts";

/** Where `./cairn testcloud up` makes its cloud unless told. */
const DEFAULT_FOLDER = "/var/tmp/cairn-testcloud";
const REMOVAL_MS = 60_000;
const FIELDS = [
  "authUrl",
  "region",
  "computeHost",
  "libvirtSocket",
  "scratchFolder",
  "volumesFolder",
] as const;

/**
 * The cloud in a folder of the test cloud's, as its `place.json` tells; `testcloud` is the default folder.
 * Fault `no-cloud` when there is none.
 */
export async function readPlace(cloud: string): Promise<OpenStackPlace> {
  const folder = cloud === "testcloud" ? DEFAULT_FOLDER : cloud;
  try {
    const found: unknown = JSON.parse(await readFile(join(folder, "place.json"), "utf8"));
    if (isPlace(found)) return found;
  } catch (cause) {
    if (!hasCode(cause, "ENOENT") && !(cause instanceof SyntaxError)) throw cause;
  }
  const remedy = "start one with ./cairn testcloud up";
  throw new Fault("no-cloud", `${folder} holds no test cloud that is up: ${remedy}`, "after-operator");
}

/**
 * Registers this checkout's service in the cloud by the product's own command, does the work, and takes away
 * what was registered. `apiPort` is where the API will listen.
 */
export async function registeredWhile<Result>(
  place: OpenStackPlace,
  { apiPort, environment, narrator, signal }: Registration,
  work: () => Promise<Result>,
): Promise<Result> {
  const { authUrl, region, passwords } = place;
  const admin = {
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
  const cairn = cairnCommand({ ...environment, ...admin }, narrator);
  await cairn.run(["setup", "keystone", "--url", `http://127.0.0.1:${String(apiPort)}`], signal);
  try {
    return await work();
  } finally {
    // The signal may have ended the work; what was registered is taken away nevertheless.
    await cairn.run(["setup", "keystone", "--remove"], AbortSignal.timeout(REMOVAL_MS));
  }
}

interface Registration {
  readonly apiPort: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
}

function isPlace(value: unknown): value is OpenStackPlace {
  if (typeof value !== "object" || value === null) return false;
  const place = value as Readonly<Record<string, unknown>>;
  const { passwords } = place;
  return FIELDS.every((name) => typeof place[name] === "string") && typeof passwords === "object";
}
