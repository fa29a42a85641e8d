import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Embedded } from "@cairn/embedded";
import type { Cloud } from "@cairn/openstack";
import type { Meter } from "../measure.ts";
import type { PaperDatamovers } from "./paper-datamovers.ts";

const DATAMOVERS = fileURLToPath(new URL("./paper-datamovers.ts", import.meta.url));
const USER = "crowd";
/** Two engines that work on so many runs each: snapshots of paper instances wait for answers, not for a core. */
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
  readonly #datamovers: ChildProcess;

  private constructor(embedded: Embedded, projects: readonly string[], datamovers: ChildProcess) {
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
      root: join(folder, "t"),
      signal: meter.signal,
      environment: meter.environment,
      seedFile,
      foreignHosts: hosts,
      runsMax: RUNS_MAX,
    });
    return new ApiTree(embedded, projects, startDatamovers(embedded, join(folder, "datamovers.log")));
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

function startDatamovers(embedded: Embedded, logFile: string): ChildProcess {
  const work: PaperDatamovers = {
    url: embedded.datamoverApiUrl,
    tokenFiles: embedded.hosts.map((host) => embedded.layout.tokenFile(host)),
  };
  // The pipe that nobody writes to ends with this process, and the child then ends by itself.
  const child = spawn(process.execPath, [DATAMOVERS, JSON.stringify(work)], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  child.stderr.pipe(createWriteStream(logFile));
  return child;
}
