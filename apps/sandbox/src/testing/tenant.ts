import { type Login, type Reply, type RunningSandbox, textIn, until } from "./running-sandbox.ts";

const COMPUTE = { "OpenStack-API-Version": "compute 2.79" } as const;
const VOLUME = { "OpenStack-API-Version": "volume 3.59" } as const;

/** What a tenant does with the cloud, as far as several tests need it. */
export interface Tenant {
  readonly login: Login;
  compute(method: string, path: string, json?: unknown): Promise<Reply>;
  volume(method: string, path: string, json?: unknown): Promise<Reply>;
  network(method: string, path: string, json?: unknown): Promise<Reply>;
  image(method: string, path: string, json?: unknown): Promise<Reply>;
  /** An active image with these bytes. */
  makeImage(bytes: Buffer, format?: string): Promise<string>;
  makeVolume(fields: Readonly<Record<string, unknown>>): Promise<string>;
  /** A server that has come to rest, in whatever status. */
  makeServer(fields: Readonly<Record<string, unknown>>): Promise<string>;
  serverStatus(id: string, status: string): Promise<void>;
  volumeStatus(id: string, status: string): Promise<void>;
  serverGone(id: string): Promise<void>;
}

export async function openTenant(
  sandbox: Pick<RunningSandbox, "ask" | "login">,
  user: string,
  project: string,
): Promise<Tenant> {
  const login = await sandbox.login(user, project);
  const { token } = login;
  const asker =
    (prefix: string, headers: Readonly<Record<string, string>> = {}) =>
    async (method: string, path: string, json?: unknown): Promise<Reply> =>
      sandbox.ask(method, `${prefix}${path}`, { token, headers, ...(json === undefined ? {} : { json }) });
  const compute = asker("/compute/v2.1", COMPUTE);
  const volume = asker(`/volume/v3/${login.projectId}`, VOLUME);
  const image = asker("/image/v2");
  const statusOf = async (id: string): Promise<string> =>
    textIn((await compute("GET", `/servers/${id}`)).json, "server", "status");
  const volumeStatusOf = async (id: string): Promise<string> =>
    textIn((await volume("GET", `/volumes/${id}`)).json, "volume", "status");
  return {
    login,
    compute,
    volume,
    network: asker("/network/v2.0"),
    image,
    makeImage: async (bytes, format = "raw") => {
      const fields = { name: "image", disk_format: format, container_format: "bare" };
      const id = textIn((await image("POST", "/images", fields)).json, "id");
      await sandbox.ask("PUT", `/image/v2/images/${id}/file`, { token, bytes });
      return id;
    },
    makeVolume: async (fields) => {
      const id = textIn((await volume("POST", "/volumes", { volume: fields })).json, "volume", "id");
      await until("the volume is made", async () => !/creating|downloading/.test(await volumeStatusOf(id)));
      return id;
    },
    makeServer: async (fields) => {
      const server = { name: "server", flavorRef: "42", networks: "none", ...fields };
      const reply = await compute("POST", "/servers", { server });
      if (reply.status !== 202) throw new Error(`server refused: ${JSON.stringify(reply.json)}`);
      const id = textIn(reply.json, "server", "id");
      await until("the server is built", async () => (await statusOf(id)) !== "BUILD");
      return id;
    },
    serverStatus: async (id, status) =>
      until(`server is ${status}`, async () => (await statusOf(id)) === status),
    volumeStatus: async (id, status) =>
      until(`volume is ${status}`, async () => (await volumeStatusOf(id)) === status),
    serverGone: async (id) =>
      until("the server is gone", async () => (await compute("GET", `/servers/${id}`)).status === 404),
  };
}
