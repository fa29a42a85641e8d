import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ApiClient, connectApi } from "@cairn/contract";
import {
  startTestMailServer,
  startTestReceiver,
  type TestMailServer,
  type TestReceiver,
} from "@cairn/notify";
import type { Cloud } from "@cairn/openstack";
import { type Ceph, startCeph } from "@cairn/store";
import { type Place, type Planted, plantedText } from "./planted.ts";
import { startTree, type Tree } from "./tree.ts";

/** What a user, an operator or a program of the world can give that nobody may see. */
export interface Secrets {
  readonly password: string;
  readonly adminPassword: string;
  readonly guestPassword: string;
  readonly servicePassword: string;
  readonly wrongPassword: string;
  readonly smtpPassword: string;
  readonly settingValue: string;
  readonly passphrase: string;
  readonly credential: string;
  readonly webhook: string;
}

/** A running tree whose every secret is known, and all that was said meanwhile. */
export interface World {
  readonly tree: Tree;
  readonly secrets: Secrets;
  readonly ceph: Ceph;
  readonly mails: TestMailServer;
  readonly receiver: TestReceiver;
  /** For files with secrets: not below the tree. */
  readonly folder: string;
  /** What was planted; more comes while secrets are made. */
  readonly planted: Planted[];
  /** Replies, output of commands, and whatever else is to be looked through. */
  readonly said: Place[];
  /** The API as somebody, each of whose replies is kept. */
  apiOf(user: string, project: string): Promise<ApiClient>;
  /** Sends a request as it is, and keeps the reply. */
  ask(user: string, project: string, request: RawRequest): Promise<number>;
  close(): Promise<void>;
}

/** A request that need not be right. */
export interface RawRequest {
  readonly method: string;
  /** Below `/v1/<project>`. */
  readonly path: string;
  readonly body?: unknown;
  /** Of an administrator, because others are refused before it is read. */
  readonly isAdmins?: true;
  /** In place of the user's own. */
  readonly token?: string;
}

/** Starts everything with passwords of its own, and every program at its most talkative. */
export async function startWorld(): Promise<World> {
  const folder = await mkdtemp("/var/tmp/cairn-planted-");
  const secrets = newSecrets();
  const passwords = {
    demo: secrets.password,
    admin: secrets.adminPassword,
    guest: secrets.guestPassword,
    cairn: secrets.servicePassword,
  };
  const seedFile = join(folder, "seed.json");
  await writeFile(seedFile, JSON.stringify({ users: usersWith(passwords) }), { mode: 0o600 });
  const ceph = await startCeph();
  // What PostgreSQL writes is looked through, too: its files lie below the tree's folder then.
  const tree = await startTree({ seedFile, passwords, logLevel: "debug", ownPostgres: true });
  const mails = await startTestMailServer();
  const receiver = await startTestReceiver();
  const said: Place[] = [];
  const close = async (): Promise<void> => {
    await tree.close();
    await ceph.stop();
    await mails[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  const known = Object.entries(secrets).map(([name, value]): Planted => ({ name, value: String(value) }));
  const planted = [...known, ...(await keysOf(tree))];
  const speech = speechOf(tree, said);
  return { tree, secrets, ceph, mails, receiver, folder, planted, said, ...speech, close };
}

function newSecrets(): Secrets {
  const webhook = `whsec_${randomBytes(32).toString("base64")}`;
  return {
    password: plantedText(),
    adminPassword: plantedText(),
    guestPassword: plantedText(),
    servicePassword: plantedText(),
    wrongPassword: plantedText(),
    smtpPassword: plantedText(),
    settingValue: plantedText(),
    passphrase: plantedText(),
    credential: plantedText(),
    webhook,
  };
}

/** The sandbox's users (`apps/sandbox/src/seed`), as far as they are needed. */
function usersWith(passwords: Readonly<Record<string, string>>): object[] {
  const users = [
    { name: "admin", roles: { admin: ["admin"], system: ["admin"] } },
    { name: "cairn", roles: { service: ["admin"] } },
    { name: "demo", roles: { demo: ["member", "reader"] } },
    { name: "guest", roles: { demo: ["member", "reader"] }, federated: true },
  ];
  return users.map((user) => ({ ...user, password: passwords[user.name] }));
}

/** Everything in the folder of secrets, which nothing else may hold. */
async function keysOf({ embedded: { layout, hosts } }: Tree): Promise<Planted[]> {
  const read = async (path: string): Promise<string> => (await readFile(path, "utf8")).trim();
  const escrow = (await read(layout.escrowKey)).split("\n").slice(1, -1).join("");
  const tokens = hosts.map(
    async (host): Promise<Planted> => ({
      name: `token of ${host}`,
      value: await read(layout.tokenFile(host)),
    }),
  );
  return [
    { name: "key file", value: Buffer.from(await read(layout.keyFile), "base64") },
    { name: "escrow's private key", value: Buffer.from(escrow, "base64").subarray(-32) },
    ...(await Promise.all(tokens)),
  ];
}

function speechOf(tree: Tree, said: Place[]): Pick<World, "apiOf" | "ask"> {
  const { embedded } = tree;
  const endpointOf = async (cloud: Cloud): Promise<string> =>
    `${embedded.apiUrl}/v1/${await cloud.projectId()}`;
  const keep = async (label: string, response: Response): Promise<void> => {
    const headers = JSON.stringify([...response.headers]);
    said.push({ name: `reply to ${label}`, content: `${headers}\n${await response.clone().text()}` });
  };
  return {
    apiOf: async (user, project) => {
      const cloud = embedded.cloud(user, project);
      return connectApi({
        endpoint: await endpointOf(cloud),
        token: async () => (await cloud.token()).value.reveal(),
        fetch: async (input, init) => {
          const response = await fetch(input, init);
          await keep(`${init?.method ?? "GET"} ${new URL(response.url).pathname}`, response);
          return response;
        },
      });
    },
    ask: async (user, project, { method, path, body, token }) => {
      const cloud = embedded.cloud(user, project);
      const given = token ?? (await cloud.token()).value.reveal();
      const response = await fetch(`${await endpointOf(cloud)}${path}`, {
        method,
        headers: { "x-auth-token": given, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      await keep(`${method} ${path.split("?")[0] ?? ""}`, response);
      return response.status;
    },
  };
}
