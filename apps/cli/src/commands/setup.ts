import { randomBytes } from "node:crypto";
import { Secret } from "@cairn/kernel";
import type { Cloud, CloudAccess } from "@cairn/openstack";
import { Command } from "commander";
import type { Done } from "../setup/lookup.ts";
import type { Wanted } from "../setup/plan.ts";
import type { Shell } from "../shell.ts";
import { type CommandContext, contextOf, usage, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["thing", "action", "id"];

interface KeystoneFlags {
  readonly url?: string;
  readonly publicUrl?: string;
  readonly internalUrl?: string;
  readonly adminUrl?: string;
  readonly region?: string;
  readonly serviceName: string;
  readonly serviceType: string;
  readonly user: string;
  readonly project: string;
  readonly domain: string;
  readonly passwordFile?: string;
  readonly remove?: true;
  readonly dryRun?: true;
}

/** `cairn setup …` */
export function setupCommand(shell: Shell): Command {
  const setup = new Command("setup").description("prepare a cloud for Cairn (administrators)");
  withCommonFlags(setup.command("keystone"))
    .description("register Cairn in the catalogue, with its service user")
    .option("--url <url>", "address of the API for all three interfaces: https://backup.example.org:8780")
    .option("--public-url <url>", "address for tenants, where it is another")
    .option("--internal-url <url>", "address for the cloud's own services, where it is another")
    .option("--admin-url <url>", "address for administrators, where it is another")
    .option("--region <region>", "region of the endpoints (OS_REGION_NAME)")
    .option("--service-name <name>", "name of the service", "cairn")
    .option("--service-type <type>", "its type, by which clients find it", "workloads")
    .option("--user <name>", "the service user", "cairn")
    .option("--project <name>", "the service user's project", "service")
    .option("--domain <name>", "domain of both", "Default")
    .option("--password-file <file>", "the service user's password (CAIRN_SERVICE_PASSWORD)")
    .option("--remove", "take away what an earlier call made, and nothing else")
    .option("--dry-run", "only say what would be done")
    .addHelpText(
      "after",
      examples(
        "cairn setup keystone --url https://backup.example.org:8780 --password-file service.pw",
        "cairn setup keystone --url https://backup.example.org:8780 --dry-run -f json",
        "cairn setup keystone --remove",
      ),
    )
    .action(async (flags: KeystoneFlags) => {
      await runKeystone(contextOf(shell, { ...flags }), flags);
    });
  return setup;
}

async function runKeystone(context: CommandContext, flags: KeystoneFlags): Promise<void> {
  const { shell } = context;
  const url = flags.remove === true ? (flags.url ?? "http://unused.invalid") : flags.url;
  const urls = {
    public: endpointOf("--public-url", flags.publicUrl ?? url),
    internal: endpointOf("--internal-url", flags.internalUrl ?? url),
    admin: endpointOf("--admin-url", flags.adminUrl ?? url),
  };
  const given = await givenPassword(shell, flags);
  const { cloud, access } = await context.cloud();
  const { user, project, domain, serviceName, serviceType } = flags;
  const region = flags.region ?? access.region ?? "RegionOne";
  const wanted: Wanted = { serviceType, serviceName, region, urls, domain, user, project };
  const setUp = { keystone: cloud.keystone, wanted, isDryRun: flags.dryRun === true, signal: shell.signal };
  if (flags.remove === true) {
    const { removeFromKeystone } = await import("../setup/remove-keystone.ts");
    return printDone(context, await removeFromKeystone(setUp));
  }
  const { setUpKeystone } = await import("../setup/keystone.ts");
  const generated = randomBytes(24).toString("base64url");
  const done = [...(await setUpKeystone(setUp, given ?? new Secret(generated)))];
  const isNew = done.some((each) => each.thing === `user ${user}` && each.action === "made");
  if (given === undefined && isNew) {
    // Nobody can ask for it again, so it is a row of the result, which scripts read, too.
    done.push({ thing: `password of user ${user}`, action: "made", id: generated });
  }
  if (given !== undefined && flags.dryRun !== true) await proveLogin(access, wanted, { given, cloud });
  return printDone(context, done);
}

async function printDone(context: CommandContext, done: readonly Done[]): Promise<void> {
  await context.printList(
    done.map((each) => ({ ...each })),
    COLUMNS,
  );
}

/** `https://host:8780` as the catalogue has it: Keystone puts each token's project in. */
function endpointOf(flag: string, given: string | undefined): string {
  if (given === undefined) {
    throw usage("The catalogue needs the address of the API.", "--url", null, "Give it with --url.");
  }
  if (!URL.canParse(given) || !/^https?:\/\//.test(given)) {
    throw usage(
      `${given} is no http address.`,
      flag,
      given,
      "It looks like https://backup.example.org:8780.",
    );
  }
  const root = given.replace(/\/+$/, "").replace(/\/v1(?:\/[$%]\((?:project|tenant)_id\)s)?$/, "");
  return `${root}/v1/$(project_id)s`;
}

async function givenPassword(shell: Shell, flags: KeystoneFlags): Promise<Secret | undefined> {
  if (flags.passwordFile === undefined) {
    const text = shell.env["CAIRN_SERVICE_PASSWORD"];
    return text === undefined || text === "" ? undefined : new Secret(text);
  }
  const text = (await shell.readFile(flags.passwordFile))?.replace(/\r?\n$/, "");
  if (text !== undefined && text !== "") return new Secret(text);
  throw usage(
    `The file ${flags.passwordFile} holds no password.`,
    "--password-file",
    flags.passwordFile,
    "Its first line is the password of the service user.",
  );
}

interface Proof {
  readonly given: Secret;
  readonly cloud: Cloud;
}

/** A user who was there before may have another password: better said now than when the engine starts. */
async function proveLogin(access: CloudAccess, wanted: Wanted, { given, cloud }: Proof): Promise<void> {
  const { connectCloud } = await import("@cairn/openstack");
  const domain = { name: wanted.domain };
  const scope = { kind: "project", project: { name: wanted.project, domain } } as const;
  const user = { name: wanted.user, domain };
  const credentials = { kind: "password", user, password: given, scope } as const;
  const own = connectCloud({ ...access, credentials, requestTimeoutMs: LOGIN_TIMEOUT_MS });
  try {
    await own.keystone.tokens.revoke((await own.token()).value);
  } catch (cause) {
    const { hasCode } = await import("@cairn/kernel");
    if (!hasCode(cause, "openstack-unauthorized")) throw cause;
    throw usage(
      `User ${wanted.user} was there already and has another password.`,
      "--password-file",
      null,
      `Set it first: openstack user set --password-prompt ${await idOf(cloud, wanted)}`,
    );
  }
}

async function idOf(cloud: Cloud, wanted: Wanted): Promise<string> {
  const [user] = await cloud.keystone.users.list({ name: wanted.user });
  return user?.id ?? wanted.user;
}

const LOGIN_TIMEOUT_MS = 30_000;
