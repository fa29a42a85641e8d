import { readFileSync } from "node:fs";
import { choice, integer, path, runService, text } from "@cairn/service";
import { startSandbox } from "./sandbox.ts";
import { defaultSeed, type Seed } from "./seed/default.ts";

const spec = {
  sandbox: {
    dir: path({ help: "folder of the sandbox; keep it short, sockets lie in it" }),
    listenHost: text({ default: "127.0.0.1", help: "loopback only: the hooks need no token" }),
    listenPort: integer({ default: 0, min: 0, max: 65_535, help: "0: any free one" }),
    seed: text({ default: "default", help: "JSON file with what the cloud holds at first" }),
    onExit: choice(["kill", "keep"], { default: "kill", help: "what becomes of running QEMUs at SIGTERM" }),
    transitionMs: integer({ default: 150, min: 0, max: 60_000, help: "how long a change of status takes" }),
  },
};

function readSeed(name: string): Seed {
  if (name === "default") return defaultSeed;
  return { ...defaultSeed, ...(JSON.parse(readFileSync(name, "utf8")) as Partial<Seed>) };
}

await runService(
  {
    name: "sandbox",
    spec,
    start: async ({ config: { sandbox }, log, clock }) => {
      const running = await startSandbox({
        directory: sandbox.dir,
        host: sandbox.listenHost,
        port: sandbox.listenPort,
        seed: readSeed(sandbox.seed),
        transitionMs: sandbox.transitionMs,
        onExit: sandbox.onExit,
        clock,
        log: (event, fields) => {
          log.info(event, fields);
        },
      });
      const facts = { port: running.port, url: running.url, auth_url: `${running.url}/identity/v3` };
      return { facts, stop: async () => running.close() };
    },
  },
  process,
);
