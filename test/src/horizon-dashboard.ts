import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const PLUGIN = join(import.meta.dirname, "../../clients/horizon");
const PYTHON = "/usr/bin/python3";
/** Static files of Horizon as Debian's package collects them. */
const STATIC_ROOT = "/var/lib/openstack-dashboard/static";
/** Python compiles nothing ahead here, and the machine may be busy. */
const BUILD_MS = 180_000;

/** Why this machine has no Horizon to test with; undefined: it has. */
export const NO_HORIZON: string | false =
  existsSync("/usr/lib/python3/dist-packages/openstack_dashboard/settings.py") &&
  existsSync(join(STATIC_ROOT, "dashboard/manifest.json"))
    ? false
    : "there is no Horizon on this machine: apt-get install openstack-dashboard";

/** Builds the plugin and unpacks its wheel below a folder; gives the environment for Python to find it. */
export async function unpackPlugin(folder: string): Promise<Record<string, string>> {
  const run = promisify(execFile);
  const { stdout } = await run(PYTHON, ["-B", join(PLUGIN, "build.py"), folder], { timeout: BUILD_MS });
  const wheel = stdout.split("\n").find((line) => line.endsWith(".whl"));
  if (wheel === undefined) throw new Error(`the plugin's build made no wheel: ${stdout}`);
  const modules = join(folder, "modules");
  await run(PYTHON, ["-m", "zipfile", "-e", wheel, modules], { timeout: BUILD_MS });
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    STATIC_ROOT,
    TMPDIR: folder,
    PYTHONPATH: `${modules}:${join(PLUGIN, "tests")}`,
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONWARNINGS: "ignore",
  };
}

/** The plugin's own tests, with the distribution's Django and Horizon. Rejects with what they said. */
export async function runPluginTests(env: Record<string, string>): Promise<string> {
  const { stderr } = await promisify(execFile)(PYTHON, ["-m", "unittest", "test_plugin"], {
    cwd: join(PLUGIN, "tests"),
    env,
    timeout: BUILD_MS,
  });
  return stderr;
}

/** Horizon of the distribution with the plugin, before a Keystone. */
export interface Dashboard extends AsyncDisposable {
  readonly url: string;
}

/** Starts it; it ends with this process at the latest. */
export async function startDashboard(env: Record<string, string>, keystone: string): Promise<Dashboard> {
  const child = spawn(PYTHON, [join(PLUGIN, "tests/serve.py")], {
    env: { ...env, KEYSTONE: keystone },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (part) => (said += String(part)));
  const closed = once(child, "close");
  const first = once(createInterface(child.stdout), "line") as Promise<[string]>;
  const ended = closed.then(() => {
    throw new Error(`Horizon did not start:\n${said}`);
  });
  const [url] = await Promise.race([first, ended]);
  ended.catch(() => undefined);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await closed;
    },
  };
}
