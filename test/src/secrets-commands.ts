import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ChosenCredential } from "./secrets-keystone.ts";
import type { World } from "./secrets-world.ts";

const PROGRAMS = {
  cairn: join(import.meta.dirname, "../../apps/cli/src/main.ts"),
  workloadmgr: join(import.meta.dirname, "../../apps/cli/bin/workloadmgr"),
};
const STEP_MS = 60_000;

interface CommandCall {
  readonly program: "cairn" | "workloadmgr";
  readonly words: readonly string[];
  /** With which it ends. */
  readonly code: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Calls commands with secrets in variables and files, right and wrong ones; keeps what they print. */
export async function callCommands(world: World, credential: ChosenCredential): Promise<void> {
  const { tree, secrets, folder } = world;
  await mkdir(join(folder, "clouds"));
  const clouds = `clouds:\n  x: {auth: {password: "${secrets.wrongPassword}}}\n`;
  await fileOf(world, "clouds/clouds.yaml", clouds);
  const smtp = await fileOf(world, "smtp", secrets.smtpPassword);
  const hook = await fileOf(world, "hook", secrets.wrongPassword);
  const member = tree.embedded.environmentOfUser("demo", "demo");
  const wrong = { ...member, OS_PASSWORD: secrets.wrongPassword };
  const byCredential = {
    OS_AUTH_URL: tree.embedded.authUrl,
    OS_AUTH_TYPE: "v3applicationcredential",
    OS_APPLICATION_CREDENTIAL_ID: credential.id,
    OS_APPLICATION_CREDENTIAL_SECRET: credential.secret,
    OS_REGION_NAME: "RegionOne",
  };
  const byWrongCredential = { ...byCredential, OS_APPLICATION_CREDENTIAL_SECRET: secrets.wrongPassword };
  const mail = ["--user", "me", "--password-file", smtp, "--server", "127.0.0.1", "--port", "x"];
  const calls: readonly CommandCall[] = [
    { program: "workloadmgr", words: ["--debug", "-v", "workload-list"], code: 0, env: member },
    { program: "workloadmgr", words: ["--debug", "workload-list"], code: 1, env: wrong },
    { program: "cairn", words: ["workload", "list"], code: 4, env: byWrongCredential },
    { program: "cairn", words: ["workload", "list", "--os-cloud", "x"], code: 4 },
    { program: "cairn", words: ["email", "set", ...mail], code: 2, env: member },
    {
      program: "cairn",
      words: ["webhook", "create", "w", "http://127.0.0.1:9", "--secret-file", hook],
      code: 2,
      env: byCredential,
    },
    ...(await repositoryCalls(world)),
  ];
  for (const each of calls) await call(world, each);
}

async function repositoryCalls(world: World): Promise<CommandCall[]> {
  const { layout } = world.tree.embedded;
  const passphrase = await fileOf(world, "passphrase", world.secrets.passphrase);
  const broken = await fileOf(world, "broken.key", world.secrets.wrongPassword);
  const target = ["--target", layout.target];
  const added = ["--key-file", layout.keyFile, "--label", "p", "--new-passphrase-file", passphrase];
  return [
    { program: "cairn", words: ["repo", "key", "add", ...target, ...added], code: 0 },
    { program: "cairn", words: ["repo", "list", ...target, "--passphrase-file", passphrase], code: 0 },
    // What does not open is told in the list.
    { program: "cairn", words: ["repo", "list", ...target, "--passphrase-file", broken], code: 0 },
    { program: "cairn", words: ["repo", "list", ...target, "--key-file", broken], code: 4 },
  ];
}

async function fileOf({ folder }: World, name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

async function call({ folder, said }: World, { program, words, code, env }: CommandCall): Promise<void> {
  const child = spawn(process.execPath, [PROGRAMS[program], ...words], {
    cwd: join(folder, "clouds"),
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: STEP_MS,
  });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err, ended] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  assert.equal(ended, code, `${program} ${words.join(" ")}: ${err}`);
  said.push({ name: `command ${program} ${words.slice(0, 3).join(" ")}`, content: out + err });
}
