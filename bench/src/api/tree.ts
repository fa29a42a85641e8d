import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Embedded } from "@cairn/embedded";
import { Fault } from "@cairn/kernel";
import type { Cloud } from "@cairn/openstack";
import type { Meter } from "../measure.ts";
import { type PaperDatamovers, READY } from "./paper-datamovers.ts";

const DATAMOVERS = fileURLToPath(new URL("./paper-datamovers.ts", import.meta.url));
const USER = "crowd";
/** Runs at once of each engine: snapshots of paper instances wait for answers, not for a core. */
const RUNS_MAX = 16;

export interface ApiTreeOptions {
  readonly meter: Meter;
  readonly folder: string;
  readonly projects: number;
  readonly instances: number;
  readonly datamovers: number;
}

/** The programs of one appliance beside a sandbox of instances on paper, and datamovers on paper. */
export class ApiTree {
  readonly projects: readonly string[];
  readonly embedded: Embedded;
  readonly #datamovers: Datamovers;

  private constructor(embedded: Embedded, projects: readonly string[], datamovers: Datamovers) {
    this.embedded = embedded;
    this.projects = projects;
    this.#datamovers = datamovers;
  }

  static async start({ meter, folder, ...size }: ApiTreeOptions): Promise<ApiTree> {
    await mkdir(folder, { recursive: true });
    const named = (word: string, count: number): string[] =>
      Array.from({ length: count }, (_, index) => `${word}-${String(index + 1).padStart(4, "0")}`);
    const projects = named("crowd", size.projects);
    const hosts = named("node", size.datamovers);
    const seedFile = join(folder, "seed.json");
    await writeFile(seedFile, JSON.stringify(seedOf(projects, hosts, size.instances)));
    const embedded = await Embedded.start({
      // Sockets lie below it, whose paths may have 107 bytes.
      root: folder,
      signal: meter.signal,
      environment: meter.environment,
      seedFile,
      foreignHosts: hosts,
      runsMax: RUNS_MAX,
    });
    const datamovers = startDatamovers(embedded, join(folder, "datamovers.log"));
    const tree = new ApiTree(embedded, projects, datamovers);
    // Whichever comes first: the line that all are known, or the end of the process.
    const [line] = (await once(createInterface({ input: datamovers.stdout }), "line", meter)) as [string];
    if (line === READY) return tree;
    await tree.stop();
    throw new Fault("no-datamovers", `the datamovers on paper say ${line}`, "never");
  }

  get apiUrl(): string {
    return this.embedded.apiUrl;
  }

  get databaseUrl(): string {
    return this.embedded.databaseUrl;
  }

  cloudOf(project: string): Cloud {
    return this.embedded.cloud(USER, project);
  }

  async stop(): Promise<void> {
    this.#datamovers.kill("SIGKILL");
    await this.embedded.stop();
  }
}

function seedOf(projects: readonly string[], hosts: readonly string[], instances: number): unknown {
  const eachHas = Math.ceil(instances / projects.length);
  return {
    projects: ["admin", "service", ...projects].map((name) => ({ name })),
    users: [
      { name: "admin", roles: { admin: ["admin"], system: ["admin"] } },
      { name: "cairn", roles: { service: ["admin"] } },
      { name: USER, roles: Object.fromEntries(projects.map((name) => [name, ["member", "reader"]])) },
    ],
    networks: [],
    volumeTypes: [],
    hosts: hosts.map((name) => ({ name, zone: "nova", imagesType: "raw" })),
    paperInstances: projects.map((project) => ({ project, user: USER, count: eachHas })),
  };
}

type Datamovers = ChildProcessByStdio<Writable, Readable, Readable>;

function startDatamovers(embedded: Embedded, logFile: string): Datamovers {
  const work: PaperDatamovers = {
    url: embedded.datamoverApiUrl,
    tokenFiles: embedded.hosts.map((host) => embedded.layout.tokenFile(host)),
  };
  // The pipe that nobody writes to ends with this process, and the child then ends by itself.
  const child = spawn(process.execPath, [DATAMOVERS, JSON.stringify(work)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stderr.pipe(createWriteStream(logFile));
  return child;
}
