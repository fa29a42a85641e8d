import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@cairn/kernel";
import { isJson, type Json, jsonOf } from "../http/reading.ts";
import { type Sandbox, startSandbox } from "../sandbox.ts";
import { defaultSeed } from "../seed/default.ts";

/** An answer of the sandbox as the tests look at it. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Json;
  readonly bytes: Buffer;
}

export interface AskOptions {
  readonly token?: string;
  readonly json?: unknown;
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A sandbox in a folder of its own, for one test file, with the requests that tests make. */
export interface RunningSandbox extends AsyncDisposable {
  readonly directory: string;
  readonly url: string;
  ask(method: string, path: string, options?: AskOptions): Promise<Reply>;
  /** A token of a seeded user, and the project's and user's ids. */
  login(user: string, project: string): Promise<Login>;
  /** Stops it (as `onExit` says) and starts it again on the same folder. */
  restart(onExit: "kill" | "keep"): Promise<void>;
}

export interface Login {
  readonly token: string;
  readonly projectId: string;
  readonly userId: string;
}

export async function openSandbox(transitionMs = 5): Promise<RunningSandbox> {
  const directory = mkdtempSync(join(tmpdir(), "sbx-"));
  const start = async (onExit: "kill" | "keep"): Promise<Sandbox> =>
    startSandbox({
      directory,
      host: "127.0.0.1",
      port: 0,
      seed: defaultSeed,
      transitionMs,
      onExit,
      clock: systemClock,
      log: () => undefined,
    });
  // The way of closing is fixed when it starts, so it starts as one that lets its QEMUs live and kills by
  // itself.
  let sandbox = await start("keep");
  const ask = async (method: string, path: string, options: AskOptions = {}): Promise<Reply> =>
    askUrl(`${sandbox.url}${path}`, method, options);
  return {
    directory,
    get url() {
      return sandbox.url;
    },
    ask,
    login: async (user, project) => loginAt(ask, user, project),
    restart: async (onExit) => {
      if (onExit === "kill") await reopen();
      else await sandbox.close();
      sandbox = await start("keep");
    },
    [Symbol.asyncDispose]: async () => {
      await reopen();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  async function reopen(): Promise<void> {
    await sandbox.close();
    const killer = await start("kill");
    await killer.close();
  }
}

/** The same requests to a sandbox that runs as a program of its own. */
export function connectTo(url: string): Pick<RunningSandbox, "ask" | "login" | "url"> {
  const ask: RunningSandbox["ask"] = async (method, path, options = {}) =>
    askUrl(`${url}${path}`, method, options);
  return { url, ask, login: async (user, project) => loginAt(ask, user, project) };
}

async function askUrl(url: string, method: string, options: AskOptions): Promise<Reply> {
  const { token, json, bytes } = options;
  const type = bytes === undefined ? "application/json" : "application/octet-stream";
  const body =
    bytes === undefined ? (json === undefined ? null : JSON.stringify(json)) : new Uint8Array(bytes);
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === null ? {} : { "Content-Type": type }),
      ...(token === undefined ? {} : { "X-Auth-Token": token }),
      ...options.headers,
    },
    body,
  });
  const content = Buffer.from(await response.arrayBuffer());
  const isText = response.headers.get("content-type")?.includes("json") === true && content.length > 0;
  const parsed: unknown = isText ? JSON.parse(content.toString("utf8")) : {};
  const shown = isJson(parsed) ? parsed : { list: parsed };
  return { status: response.status, headers: response.headers, json: shown, bytes: content };
}

async function loginAt(ask: RunningSandbox["ask"], user: string, project: string): Promise<Login> {
  const domain = { id: "default" };
  const identity = {
    methods: ["password"],
    password: { user: { name: user, domain, password: `${user}-secret` } },
  };
  const scope = { project: { name: project, domain } };
  const reply = await ask("POST", "/identity/v3/auth/tokens", { json: { auth: { identity, scope } } });
  return {
    token: reply.headers.get("x-subject-token") ?? "",
    projectId: textIn(reply.json, "token", "project", "id"),
    userId: textIn(reply.json, "token", "user", "id"),
  };
}

/** What lies at a path of keys and indexes in JSON; undefined where the path ends early. */
export function at(json: unknown, ...path: readonly (string | number)[]): unknown {
  let value = json;
  for (const key of path)
    value = Array.isArray(value) ? (value as unknown[])[Number(key)] : jsonOf(value)[key];
  return value;
}

export function textIn(json: unknown, ...path: readonly (string | number)[]): string {
  const value = at(json, ...path);
  if (typeof value !== "string") throw new Error(`no text at ${path.join(".")} in ${JSON.stringify(json)}`);
  return value;
}

/** Asks again until the condition holds; a test waits for a state, with a limit. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.now() + 30_000;
  while (!(await holds())) {
    if (systemClock.now() > deadlineMs) throw new Error(`still not so after 30 s: ${what}`);
    await systemClock.sleep(10);
  }
}
