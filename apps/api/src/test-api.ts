import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createTestDatabase, type Database, openDatabase } from "@cairn/database";
import { type Clock, Secret, systemClock } from "@cairn/kernel";
import { connectCloud, secretSeal } from "@cairn/openstack";
import { createLog, Status } from "@cairn/service";
import { Auditor } from "./auditing.ts";
import { TokenValidator } from "./authentication.ts";
import { readPages } from "./console/pages.ts";
import { SessionCookie } from "./console/session-cookie.ts";
import { type FakeOpenStack, startFakeOpenStack } from "./fake-openstack.ts";
import { handlersFor } from "./handlers/index.ts";
import { PolicyFile } from "./policy-file.ts";
import { createServer } from "./server.ts";
import type { World } from "./world.ts";

/** A whole API on a real database and a fake OpenStack, for tests. */
export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly cloud: FakeOpenStack;
  readonly database: Database;
  /** What was logged, a line each. */
  readonly lines: readonly string[];
}

/** Starts it; disposing of it ends everything. */
export async function startTestApi(
  env: NodeJS.ProcessEnv,
  clock: Clock = systemClock,
  policyPath?: string,
): Promise<TestApi> {
  const place = await createTestDatabase(env);
  const cloud = await startFakeOpenStack();
  const database = openDatabase(place.url);
  const lines: string[] = [];
  const options = { authUrl: cloud.url, interface: "internal", requestTimeoutMs: 5_000 } as const;
  const user = { name: "cairn", domain: { name: "Default" } };
  const scope = { kind: "project", project: { name: "service", domain: { name: "Default" } } } as const;
  const world: World = {
    database,
    clock,
    seal: secretSeal(new Secret("x")),
    // There is no engine that would do what is waited for.
    ownershipWaitMs: 0,
    admin: connectCloud({
      ...options,
      credentials: { kind: "password", user, password: new Secret("x"), scope },
    }),
    cloudOf: (token, requestId) =>
      connectCloud({ ...options, credentials: { kind: "token", token }, globalRequestId: requestId }),
  };
  const log = createLog("api", { level: "debug", write: (line) => void lines.push(line) });
  const policy = await PolicyFile.open({ path: policyPath, clock, log });
  const app = createServer({
    handlers: handlersFor(world),
    policy,
    console: {
      pages: await readPages(join(import.meta.dirname, "console/sample-pages")),
      cookie: new SessionCookie(world.seal),
      policy,
      connect: (credentials) => connectCloud({ ...options, credentials }),
      validate: async (token) => world.admin.keystone.tokens.validate(token),
    },
    database: database.handle,
    auditor: new Auditor(database.handle, log),
    tokens: new TokenValidator(world.admin, clock),
    authUrl: cloud.url,
    log,
    status: new Status("api", clock),
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    cloud,
    database,
    lines,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await database.close();
      await cloud[Symbol.asyncDispose]();
      await place.drop();
    },
  };
}
