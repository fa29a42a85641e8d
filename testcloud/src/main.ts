import { parseArgs } from "node:util";
import { describeFault, Rejection, systemClock, unreachable } from "@cairn/kernel";
import { readFolder } from "./cloud-folder.ts";
import { down } from "./down.ts";
import { installPlugin, isPluginDeed, PLUGIN_DEEDS, removePlugin } from "./horizon-plugin.ts";
import { layoutAt } from "./layout.ts";
import { UnfitMachine } from "./machine.ts";
import { Narrator } from "./narrator.ts";
import { purge } from "./purge.ts";
import { restart } from "./restart.ts";
import { isProfile, PROFILES, type Profile } from "./settings.ts";
import { status } from "./status.ts";
import { existingSettings, up } from "./up.ts";

const DEFAULT_FOLDER = "/var/tmp/cairn-testcloud";

const HELP = `Usage: ./cairn testcloud up|down|status|purge [--profile light|full] [--folder DIR]
       ./cairn testcloud restart SERVICE [--folder DIR]
       ./cairn testcloud horizon install|remove [--folder DIR]

A real OpenStack (Zed) on this machine: Debian 12, root, plain processes, everything on loopback.

up      installs what is missing, configures, starts what does not run, and waits until it is usable
down    ends every process, servers included; data stay
status  shows each service; exit code 1 when the cloud is not usable
purge   down, and removes data, networks, mounts and whatever was changed elsewhere; Debian packages stay
restart one service as status names it, such as libvirtd; servers go on
horizon installs Cairn's plugin in the cloud's Horizon (profile full), or removes it

  --profile light|full  full adds Ceph (RBD and S3) and Horizon; default light; fixed with the first up
  --folder DIR          where everything lies (default ${DEFAULT_FOLDER})

Exit code 69: this machine cannot have a test cloud, or not now, for the reasons that are shown.
`;

/** EX_UNAVAILABLE of sysexits.h. */
const UNFIT = 69;

const COMMANDS = ["up", "down", "status", "purge", "restart", "horizon"] as const;
type Command = (typeof COMMANDS)[number];
/** Commands that are about something which a second word names. */
const OF_TWO_WORDS: readonly Command[] = ["restart", "horizon"];

interface Choices {
  readonly command: Command;
  /** The service of `restart`, what `horizon` is to do. */
  readonly object: string | undefined;
  readonly profile: Profile | undefined;
  readonly folder: string;
}

function parseChoices(args: readonly string[]): Choices | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      profile: { type: "string" },
      folder: { type: "string", default: DEFAULT_FOLDER },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const command = COMMANDS.find((each) => each === positionals[0]);
  const object = positionals[1];
  const words = command !== undefined && OF_TWO_WORDS.includes(command) ? 2 : 1;
  if (command === undefined || positionals.length !== words) {
    throw new Error(
      `"${positionals.join(" ")}" is none of ${COMMANDS.join(", ")} (the last two with a word)`,
    );
  }
  if (command === "horizon" && !isPluginDeed(object)) {
    throw new Error(`"horizon ${object ?? ""}" is none of ${PLUGIN_DEEDS.join(", ")}`);
  }
  const { profile, folder } = values;
  if (profile !== undefined && !isProfile(profile)) {
    throw new Error(`the profile "${profile}" is none of ${PROFILES.join(", ")}`);
  }
  return { command, object, profile, folder: folder.replace(/(?<=.)\/+$/, "") };
}

/** Ends when the person or the system says so; what was begun is found and finished by the next call. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
  }
  return stop.signal;
}

function proxies(): Record<string, string> {
  const names = ["http_proxy", "https_proxy", "no_proxy"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

async function perform({ command, object, profile, folder }: Choices, signal: AbortSignal): Promise<number> {
  const clock = systemClock;
  const narrator = new Narrator(process.stdout, clock);
  const layout = layoutAt(folder);
  if (command === "up") {
    await up({ layout, profile, proxies: proxies(), clock, narrator }, signal);
    return 0;
  }
  if (command !== "status" && readFolder(layout).kind === "nothing") {
    narrator.plain(`there is no test cloud in ${folder}`);
    return 0;
  }
  const what = { settings: existingSettings(layout), clock, narrator };
  switch (command) {
    case "down":
      await down(what, signal);
      return 0;
    case "purge":
      await purge(what, signal);
      return 0;
    case "restart":
      await restart(what, object ?? "", signal);
      return 0;
    case "horizon":
      await (object === "install" ? installPlugin(what, signal) : removePlugin(what, signal));
      return 0;
    case "status":
      return (await status(what, signal)) ? 0 : 1;
    default:
      return unreachable(command);
  }
}

async function main(args: readonly string[]): Promise<number> {
  let choices: Choices | "help";
  try {
    choices = parseChoices(args);
  } catch (cause) {
    process.stderr.write(`cairn: ${describeFault(cause)}. Try ./cairn testcloud --help\n`);
    return 2;
  }
  if (choices === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const signal = stopSignal();
  try {
    return await perform(choices, signal);
  } catch (cause) {
    const remedy = cause instanceof Rejection ? `; ${cause.remedy}` : "";
    process.stderr.write(`cairn: ${describeFault(signal.aborted ? signal.reason : cause)}${remedy}\n`);
    if (signal.aborted) return 130;
    return cause instanceof UnfitMachine ? UNFIT : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
