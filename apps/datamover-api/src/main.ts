import type { AddressInfo } from "node:net";
import { migrate, openDatabase } from "@cairn/database";
import { type Running, readKeyFile, runService, type ServiceContext } from "@cairn/service";
import { datamoverApiSpec } from "./config.ts";
import { watchLapsedOrders } from "./lapsed-orders.ts";
import { createServer } from "./server.ts";

/** Waiting claims hold no connection; each report holds one for a moment. */
const CONNECTIONS_MAX = 20;

async function start(context: ServiceContext<typeof datamoverApiSpec>): Promise<Running> {
  const { config, log, status, clock, signal } = context;
  const masterKey = await readKeyFile(config.keys.keyFile);
  const databaseUrl = config.database.url.reveal();
  await migrate(databaseUrl);
  signal.throwIfAborted();
  const database = openDatabase(databaseUrl, {
    poolMax: CONNECTIONS_MAX,
    onFault: (fault) => {
      log.warn("database.fault", { fault });
      status.failed("database", fault);
    },
  });
  const world = { database, clock, masterKey, leaseMs: config.datamoverApi.leaseMs };
  const app = createServer({ world, log, status, signal });
  const { listenHost, listenPort } = config.datamoverApi;
  await app.listen({ host: listenHost, port: listenPort });
  const { port } = app.server.address() as AddressInfo;
  const stopping = new AbortController();
  const watching = watchLapsedOrders({ database, clock, log, status }, stopping.signal);
  return {
    facts: { port, host: listenHost },
    stop: async () => {
      stopping.abort();
      await app.close();
      await watching;
      await database.close();
    },
  };
}

await runService({ name: "datamover-api", spec: datamoverApiSpec, start }, process);
