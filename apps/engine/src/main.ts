import { hostname } from "node:os";
import { migrate, openDatabase } from "@cairn/database";
import { flows, type RunFacts, type RunnerWorld, runnerDefaults, useTarget } from "@cairn/flows";
import { secretSeal } from "@cairn/openstack";
import {
  type Running,
  readKeyFile,
  readTls,
  runService,
  type ServiceContext,
  serveStatus,
} from "@cairn/service";
import { adminCloud, tenantCloud } from "./clouds.ts";
import { engineSpec } from "./config.ts";
import { startEngine } from "./engine.ts";
import { fileSettings, startFiling } from "./filing.ts";
import { instanceLooks } from "./instance-looks.ts";
import { keyPolicyOf } from "./key-policy.ts";
import { maintenanceSettings, startMaintainer } from "./maintainer.ts";
import { startYielding } from "./notifications/yielding.ts";
import { mailAddresses, notifySettings, startNotifier } from "./notifier.ts";
import { startOwning } from "./owning.ts";
import { describeEngine, startPresence } from "./presence.ts";
import { startScheduler } from "./scheduler.ts";
import { readTarget } from "./target-settings.ts";
import { startWatcher } from "./watcher.ts";

/** Looked at so often per lease, so that a dead engine's runs wait little more than the lease. */
const RECONCILES_PER_LEASE = 2.4;
/** Each run renews its lease and may hold a transaction for each of its steps side by side. */
const CONNECTIONS_PER_RUN = 2;

async function start(context: ServiceContext<typeof engineSpec>): Promise<Running> {
  const { config, log, status, clock, signal } = context;
  const masterKey = await readKeyFile(config.keys.keyFile);
  const databaseUrl = config.database.url.reveal();
  await migrate(databaseUrl);
  signal.throwIfAborted();
  const database = openDatabase(databaseUrl, {
    poolMax: 4 + config.engine.runsMax * CONNECTIONS_PER_RUN,
    onFault: (fault) => {
      log.warn("database.fault", { fault });
      status.failed("database", fault);
    },
  });
  const notify = await notifySettings(config.notify);
  const target = await readTarget(config.target);
  await useTarget({ database, masterKey, clock, log, signal }, target);
  const tls = await readTls(config.keystone);
  const keystone = { ...config.keystone, ...(tls === undefined ? {} : { tls }) };
  const admin = adminCloud(keystone);
  const world = runnerWorld(context, { database, masterKey, admin, keystone });
  const { runsMax, leaseMs } = config.engine;
  const reconcileMs = Math.round(leaseMs / RECONCILES_PER_LEASE);
  const engine = await startEngine({ world, log, status, runsMax, reconcileMs });
  const presence = startPresence({ database, clock, log, status }, describeEngine(world.engine), engine);
  const { maintenance } = config;
  const keeping = { ...world, environment: process.env, settings: maintenanceSettings(maintenance) };
  const maintainer = startMaintainer(keeping, status, maintenance.lookSeconds * 1000);
  const { lookMs, graceSeconds } = config.scheduler;
  const looks = instanceLooks(admin, database, keystone);
  const scheduling = { database, clock, log, graceMs: graceSeconds * 1000, ...looks };
  const scheduler = startScheduler(scheduling, status, lookMs);
  const seal = secretSeal(config.keystone.password);
  const notifying = { database, clock, log, seal, mailAddressOf: mailAddresses(admin), ...notify };
  const notifier = startNotifier(notifying, status, config.notify.lookMs);
  const watcher = startWatcher({ ...world, admin, everyMs: config.target.lookSeconds * 1000 }, status);
  const owning = startOwning({ ...world, admin }, status);
  const reading = { ...world, ...fileSettings(config.files, process.env["PATH"] ?? "") };
  const filing = startFiling(reading, status, config.files.lanes);
  const yielding = startYielding({ database, admin, clock, log, status }, config.notifications);
  const address = { host: config.status.listenHost, port: config.status.listenPort };
  const statusServer = await serveStatus(status, address);
  return {
    facts: { port: statusServer.port },
    stop: async () => {
      const parts = [presence, engine, maintainer, scheduler, notifier, watcher, owning, filing, yielding];
      await Promise.all(parts.map(async (part) => part.stop()));
      await statusServer.close();
      await database.close();
    },
  };
}

/** What runs live on: the engine's name says its node, where operators switch it off and on. */
function runnerWorld(
  { config, clock, log }: Pick<ServiceContext<typeof engineSpec>, "config" | "clock" | "log">,
  parts: Pick<RunnerWorld, "database" | "masterKey"> & {
    readonly admin: ReturnType<typeof adminCloud>;
    readonly keystone: Parameters<typeof adminCloud>[0];
  },
): RunnerWorld {
  const { database, masterKey, admin, keystone } = parts;
  const node = config.engine.host === "" ? hostname() : config.engine.host;
  return {
    database,
    clock,
    log,
    masterKey,
    keyPolicy: keyPolicyOf(config.engine),
    cloudId: config.cloud.id,
    settings: { ...runnerDefaults, leaseMs: config.engine.leaseMs },
    engine: `${node}/${process.pid}`,
    flows,
    connect: async (run: RunFacts) => ({
      admin: admin.withRequestId(`req-${run.id}`),
      cloud: await tenantCloud(database, keystone, run),
    }),
  };
}

await runService({ name: "engine", spec: engineSpec, start }, process);
