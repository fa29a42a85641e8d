import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { networkId } from "@cairn/embedded";
import { startTestMailServer } from "@cairn/notify";
import { Ids } from "./guide-compare.ts";
import type { GuideCommand, GuideExample, GuideRequest } from "./guide-page.ts";
import { bootFromImage, whenIdle } from "./job.ts";
import { startTree, type Tree } from "./tree.ts";

const ROOT = join(import.meta.dirname, "../..");
const STEP_MS = 120_000;

/** The pages whose examples are run, in the order in which they are read. */
export const GUIDES = ["user-guide", "api-guide"].map((name) => join(ROOT, "docs", name));

/** The pages of a guide, as its table of contents has them. */
export async function pagesOf(folder: string): Promise<string[]> {
  const contents = await readFile(join(folder, "README.md"), "utf8");
  const linked = Array.from(
    contents.matchAll(/^\d+\. \[[^\]]+\]\(([\w-]+\.md)\)/gm),
    ([, name = ""]) => name,
  );
  const there = (await readdir(folder)).filter((name) => name !== "README.md");
  const forgotten = there.filter((name) => !linked.includes(name));
  if (forgotten.length > 0) throw new Error(`not in the table of contents: ${forgotten.join(", ")}`);
  return linked.map((name) => join(folder, name));
}

/** What an example came to. */
export interface Outcome {
  /** The exit code of a command, the status of a reply. */
  readonly code: number;
  /** What was printed, or answered. */
  readonly text: string;
}

/** A running tree with the instances `web-1`, `db-1` and `app-1`, and a mail server. */
export interface GuideWorld {
  readonly tree: Tree;
  readonly ids: Ids;
  run(example: Exclude<GuideExample, { kind: "unrun" }>): Promise<Outcome>;
  close(): Promise<void>;
}

/** Starts it. */
export async function startGuides(): Promise<GuideWorld> {
  const folder = await mkdtemp("/var/tmp/cairn-guides-");
  const tree = await startTree();
  const mails = await startTestMailServer();
  const close = async (): Promise<void> => {
    await tree.close();
    await mails[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await makePrograms(folder);
    const web = await bootFromImage(tree, "web-1", "az1");
    const db = await bootFromImage(tree, "db-1", "az2");
    const app = await bootFromImage(tree, "app-1", "az1");
    const admin = tree.embedded.cloud("admin", "admin");
    const names: Record<string, string> = {
      $PROJECT: await tree.cloud.projectId(),
      $ADMIN_PROJECT: await admin.projectId(),
      $USER_ID: (await tree.cloud.token()).user.id,
      $WEB: web.id,
      $DB: db.id,
      $APP: app.id,
      $NETWORK: await networkId(tree.cloud, "private", tree.signal),
      "2525": String(mails.port),
      "http://backup.example.org:8780": tree.embedded.apiUrl,
    };
    const run: GuideWorld["run"] = async (example) => {
      const outcome = await outcomeOf({ tree, folder, names, ids }, example);
      await whenIdle(tree);
      return { ...outcome, text: withNames(outcome.text, names) };
    };
    const ids = new Ids(names);
    return { tree, ids, run, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** Addresses and ports as the pages have them. */
function withNames(came: string, names: Readonly<Record<string, string>>): string {
  const plain = Object.entries(names).filter(([name]) => !name.startsWith("$"));
  return plain.reduce((all, [name, value]) => all.replaceAll(value, name), came);
}

async function makePrograms(folder: string): Promise<void> {
  await mkdir(join(folder, "bin"));
  const programs = { cairn: "apps/cli/src/main.ts", workloadmgr: "apps/cli/bin/workloadmgr" };
  for (const [name, path] of Object.entries(programs)) {
    const file = join(folder, "bin", name);
    await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, path)}" "$@"\n`);
    await chmod(file, 0o755);
  }
}

interface Place {
  readonly tree: Tree;
  readonly folder: string;
  readonly names: Readonly<Record<string, string>>;
  readonly ids: Ids;
}

async function outcomeOf(place: Place, example: Exclude<GuideExample, { kind: "unrun" }>): Promise<Outcome> {
  switch (example.kind) {
    case "file":
      await writeFile(join(place.folder, example.name), place.ids.filled(example.content));
      return { code: 0, text: "" };
    case "command":
      return commandOutcome(place, example);
    case "request":
      return requestOutcome(place, example);
  }
}

/** What a command prints; of one that fails the error, too. */
async function commandOutcome(place: Place, { who, text: line }: GuideCommand): Promise<Outcome> {
  const { tree, folder, names, ids } = place;
  const [user, project] = who === "member" ? ["demo", "demo"] : ["admin", "admin"];
  const variables = Object.entries(names).flatMap(([name, value]) =>
    name.startsWith("$") ? [[name.slice(1), value] as const] : [],
  );
  const child = spawn("bash", ["-c", ids.filled(line)], {
    cwd: folder,
    env: {
      PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`,
      HOME: folder,
      TZ: "UTC",
      ...Object.fromEntries(variables),
      ...tree.embedded.environmentOfUser(user, project),
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STEP_MS,
  });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code: code ?? -1, text: code === 0 ? out : out + err };
}

async function requestOutcome(place: Place, request: GuideRequest): Promise<Outcome> {
  const { tree, ids } = place;
  const { who, method, path, body } = request;
  const cloud = who === "member" ? tree.cloud : tree.embedded.cloud("admin", "admin");
  const response = await fetch(`${tree.embedded.apiUrl}${ids.filled(path)}`, {
    method,
    headers: { "x-auth-token": (await cloud.token()).value.reveal(), "content-type": "application/json" },
    signal: AbortSignal.timeout(STEP_MS),
    ...(body === "" ? {} : { body: ids.filled(body) }),
  });
  return { code: response.status, text: await response.text() };
}
