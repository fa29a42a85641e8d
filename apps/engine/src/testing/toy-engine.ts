import { openDatabase } from "@cairn/database";
import { runnerDefaults } from "@cairn/flows";
import { Secret, systemClock } from "@cairn/kernel";
import { connectCloud } from "@cairn/openstack";
import { createLog, Status } from "@cairn/service";
import { startEngine } from "../engine.ts";
import { toyFlow } from "./toy-flow.ts";

/**
 * An engine as a program of its own, with the toy flow and short times: `toy-engine.ts <database url> <world>
 * <name> <runs at once>`. Says `ready` on standard output. Tests kill it.
 */
const [url = "", world = "", name = "", runsMax = "4"] = process.argv.slice(2);
const log = createLog(name, { write: (line) => void process.stderr.write(line) });
const cloud = connectCloud({
  authUrl: "http://127.0.0.1:9",
  interface: "public",
  requestTimeoutMs: 1_000,
  credentials: { kind: "token", token: new Secret("none") },
});
const quick = { attemptsMax: 5, outageAttemptsMax: 5, deadlineMs: 20_000, pauseMs: 10, pauseMaxMs: 100 };
const engine = await startEngine({
  world: {
    database: openDatabase(url, { onFault: (fault) => log.warn("database.fault", { fault }) }),
    clock: systemClock,
    log,
    masterKey: new Secret(Buffer.alloc(32)),
    keyPolicy: { withoutEscrow: true, barbican: false },
    settings: { ...runnerDefaults, leaseMs: 2_000, renewMs: 200, perform: quick, undo: quick },
    engine: name,
    flows: { snapshot: toyFlow(world, name) },
    connect: async () => ({ cloud, admin: cloud }),
  },
  log,
  status: new Status(name, systemClock),
  runsMax: Number(runsMax),
  reconcileMs: 500,
});
process.once("SIGTERM", () => void engine.stop().then(() => process.exit(0)));
process.stdout.write("ready\n");
