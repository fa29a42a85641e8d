import { mkdtemp, rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Embedded, type OpenStackPlace, openGuests, readPlace } from "@cairn/embedded";
import { describeFault, formatDuration } from "@cairn/kernel";
import { type CloudDemoResult, playCloudDemo } from "./cloud-demo.ts";
import { type DemoResult, playDemo } from "./demo.ts";
import { type Narrator, narrateTo } from "./narrator.ts";
import { registeredWhile } from "./place.ts";

/** Known beforehand where people or a catalogue must know them. */
const PORTS = { api: 8780, datamoverApi: 8784, sandbox: 8770 };

const HELP = `Usage: ./cairn demo [--json] [--keep] [--dir FOLDER] [--cloud FOLDER]
       ./cairn dev [--dir FOLDER]

demo  plays the main job on this machine: starts a small cloud with real QEMU disks and every program of
      Cairn, protects running instances, loses them, brings them back and compares each disk byte for byte.
dev   starts the same and leaves it running until Ctrl-C.

  --json        end with one JSON object on standard output; the story goes to standard error
  --keep        leave everything running after the demo and say how to use it; Ctrl-C ends it
  --dir FOLDER  where everything lies (a new folder below /var/tmp, removed at the end, when left out)
  --cloud FOLDER  protect real instances of the cloud that ./cairn testcloud up made in FOLDER (its default
                folder: testcloud), instead of those of the small one

Examples:
  ./cairn demo
  ./cairn testcloud up && ./cairn demo --cloud testcloud
`;

interface Choices {
  readonly command: "demo" | "dev";
  readonly json: boolean;
  readonly keep: boolean;
  readonly dir: string | undefined;
  readonly cloud: string | undefined;
}

function parseChoices(args: readonly string[]): Choices | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      dir: { type: "string" },
      cloud: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help) return "help";
  if ((command !== "demo" && command !== "dev") || rest.length > 0) {
    throw new Error(`"${positionals.join(" ")}" is neither "demo" nor "dev"`);
  }
  return { command, json: values.json, keep: values.keep, dir: values.dir, cloud: values.cloud };
}

/**
 * Ends when the person or the system says so; a second Ctrl-C while stopping is not needed and changes
 * nothing.
 */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => stop.abort(new Error(`stopped by ${name}`)));
  }
  return stop.signal;
}

async function main(args: readonly string[]): Promise<number> {
  let choices: Choices | "help";
  try {
    choices = parseChoices(args);
  } catch (cause) {
    process.stderr.write(`cairn: ${describeFault(cause)}. Try ./cairn demo --help\n`);
    return 2;
  }
  if (choices === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const narrator = narrateTo(choices.json ? process.stderr : process.stdout);
  // A short path: QEMU's and PostgreSQL's sockets lie below it, and theirs may have 107 bytes at most.
  const root = choices.dir ?? (await mkdtemp("/var/tmp/cairn-"));
  const signal = stopSignal();
  const outcome = await playToTheEnd(choices, root, narrator, signal);
  const isFolderOurs = choices.dir === undefined;
  const isEvidence = outcome === "failed" || outcome === "differing";
  if (isEvidence) process.stderr.write(`Everything is kept; the programs' logs are in ${root}/logs\n`);
  else if (isFolderOurs) await rm(root, { recursive: true, force: true });
  return { done: 0, differing: 1, failed: 1, stopped: 130 }[outcome];
}

type Outcome = "done" | "differing" | "failed" | "stopped";

async function playToTheEnd(
  choices: Choices,
  root: string,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return await play(choices, root, narrator, signal);
  } catch (cause) {
    process.stderr.write(
      signal.aborted ? "\nStopped; nothing is left running.\n" : `cairn: ${describeFault(cause)}\n`,
    );
    return signal.aborted ? "stopped" : "failed";
  }
}

async function play(
  choices: Choices,
  root: string,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<Outcome> {
  if (choices.cloud === undefined) return playOn(undefined, choices, { root, narrator, signal });
  const place = await readPlace(choices.cloud);
  const registration = { apiPort: PORTS.api, environment: process.env, narrator, signal };
  narrator.chapter(`Register in the cloud at ${place.authUrl}`);
  return registeredWhile(place, registration, async () => playOn(place, choices, { root, narrator, signal }));
}

async function playOn(
  openstack: OpenStackPlace | undefined,
  choices: Choices,
  { root, narrator, signal }: { root: string; narrator: Narrator; signal: AbortSignal },
): Promise<Outcome> {
  const begunMs = performance.now();
  narrator.chapter(`Start everything below ${root}`);
  const hasKnownPorts = choices.command === "dev" || openstack !== undefined;
  const embedded = await Embedded.start({
    root,
    signal,
    environment: process.env,
    onStart: (part) => narrator.line(`starting ${part}`),
    ...(hasKnownPorts ? { ports: PORTS } : {}),
    ...(openstack === undefined ? {} : { openstack }),
  });
  try {
    narrator.line(`ready after ${formatDuration(performance.now() - begunMs)}`);
    let result: DemoResult | CloudDemoResult | undefined;
    if (choices.command === "demo" && openstack === undefined) {
      result = await playDemo(embedded, process.env, narrator, signal);
      showResult(result, narrator, performance.now() - begunMs);
    } else if (choices.command === "demo" && openstack !== undefined) {
      using guests = await openGuests(openstack.libvirtSocket, signal);
      const { keep } = choices;
      result = await playCloudDemo(embedded, guests, { environment: process.env, narrator, keep, signal });
    }
    if (choices.keep || choices.command === "dev") await leaveRunning(embedded, narrator, signal);
    if (choices.json && result !== undefined) process.stdout.write(`${JSON.stringify(result)}\n`);
    return result === undefined || result.ok ? "done" : "differing";
  } finally {
    narrator.line("stopping everything");
    await embedded.stop();
  }
}

function showResult(result: DemoResult, narrator: Narrator, tookMs: number): void {
  const MiB = 1024 * 1024;
  const mib = (bytes: number): string => (bytes / MiB).toFixed(1);
  narrator.chapter("What it came to");
  narrator.table([
    ["snapshot", "disks MiB", "read MiB", "stored MiB", "seconds"],
    ...result.snapshots.map((each) => [
      each.type,
      mib(each.virtual_bytes),
      mib(each.read_bytes),
      mib(each.stored_bytes),
      each.seconds.toFixed(1),
    ]),
  ]);
  narrator.line("");
  narrator.table([
    ["restore", "disks", "seconds", "compared"],
    ...result.restores.map((each) => [
      each.type,
      String(each.disks),
      each.seconds.toFixed(1),
      each.identical ? "identical" : "DIFFERENT",
    ]),
  ]);
  narrator.line("");
  narrator.line(
    `${result.ok ? "All disks are as they were." : "Some disks differ!"} ${formatDuration(tookMs)} in all.`,
  );
}

async function leaveRunning(embedded: Embedded, narrator: Narrator, signal: AbortSignal): Promise<void> {
  narrator.chapter("It is running. In another terminal:");
  for (const [name, value] of Object.entries(embedded.environmentOfUser("demo", "demo"))) {
    narrator.line(`export ${name}=${value}`);
  }
  narrator.command(["workload", "list"]);
  narrator.line(
    `API ${embedded.apiUrl} · sandbox ${embedded.sandboxUrl} · files and logs ${embedded.layout.root}`,
  );
  narrator.line(`console ${embedded.apiUrl}/console/ (sign in with the user name and password above)`);
  narrator.line("Ctrl-C stops everything.");
  await new Promise<void>((resolve) => {
    // The timer keeps the process alive; the signal ends both.
    const alive = setInterval(() => undefined, 60_000);
    const end = (): void => {
      clearInterval(alive);
      resolve();
    };
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
  });
}

process.exitCode = await main(process.argv.slice(2));
