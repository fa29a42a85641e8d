import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, cp, lstat, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { asError, assert, type Clock, Fault, hasCode, systemClock } from "@cairn/kernel";
import { Client } from "pg";
import { type Account, chooseAccount, commandUnder, isOpenToAll } from "./postgres-account.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { releaseDirectory, stopOrphan } from "./postgres-orphan.ts";

export interface EmbeddedOptions {
  /** Holds the data; made when absent. One server a directory. */
  readonly directory: string;
  /** Where `postgres` and `initdb` are ($CAIRN_PG_BIN); looked for when absent. */
  readonly binaries?: string | undefined;
  /** False only in tests: nothing is forced to disk, a power cut may lose everything. */
  readonly durable?: boolean;
  /** Ends the start when aborted. The running server is ended by `stop`. */
  readonly signal?: AbortSignal;
  /** Told when the server died and is started again, and when that failed. */
  readonly onFault?: (fault: Error) => void;
}

/** A PostgreSQL server as our child. It is started again when it dies, until `stop`. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** For `openDatabase`; stays the same over restarts, so that any process may keep it. */
  readonly url: string;
  /** The postmaster's process id now; changes when it is started again. */
  pid(): number | undefined;
  /** Ends the server (fast shutdown) and waits for its end. May be called twice. */
  stop(): Promise<void>;
}

const READY_DEADLINE_MS = 60_000;
const RESTART_PAUSE_MS = 500;
const STOP_FAST_MS = 10_000;
const DATABASE = "cairn";
/** sockaddr_un holds 108 bytes with the final zero; PostgreSQL adds this name. */
const SOCKET_NAME = ".s.PGSQL.5432";
const SOCKET_BYTES_MAX = 107;

/**
 * Starts a server on a directory: makes the cluster when there is none, recovers when the last one crashed,
 * ends an orphan that a crash of its parent left. It listens on a unix socket only, in a folder that only its
 * own account may enter; there is no password.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const directory = resolve(options.directory);
  const place = await prepare(directory, options);
  await stopOrphan(directory, place.data, options.signal);
  await ensureCluster(place, options.durable ?? true, options.signal);
  const server = new Server(place, options);
  try {
    await server.start();
  } catch (cause) {
    await server.stop();
    throw new Fault("postgres-start", `starting PostgreSQL on ${directory}`, "later", cause);
  }
  const stop = async (): Promise<void> => server.stop();
  return { url: place.url(DATABASE), pid: () => server.pid(), stop, [Symbol.asyncDispose]: stop };
}

interface Place {
  readonly directory: string;
  readonly binaries: string;
  readonly account: Account;
  readonly data: string;
  readonly log: string;
  readonly sockets: string;
  readonly url: (database: string) => string;
}

async function prepare(directory: string, options: EmbeddedOptions): Promise<Place> {
  const found = await findPostgresBinaries(options.binaries);
  await mkdir(directory, { recursive: true });
  const uid = process.getuid?.() ?? 0;
  const data = join(directory, "data");
  const account = await chooseAccount(uid, [data]);
  if (account.kind === "other") await chown(directory, account.uid, account.gid);
  const sockets = await prepareSockets(directory, account);
  const binaries = account.kind === "other" ? await reachableBinaries(found, directory, sockets) : found;
  // Percent-encoded as the host, which both URL parsers and PostgreSQL's own clients understand.
  const host = encodeURIComponent(sockets);
  const url = (database: string): string => `postgres://cairn@${host}/${database}`;
  return { directory, binaries, account, data, log: join(directory, "server.log"), sockets, url };
}

/**
 * Binaries that another account can run. Those of our packages may lie below a private folder (a clone in
 * /root): then they are copied, 60 MB, to the server's own folder, or when that is private too, beside the
 * sockets.
 */
async function reachableBinaries(found: string, directory: string, sockets: string): Promise<string> {
  if (await isOpenToAll(join(found, "postgres"))) return found;
  const copy = join((await isOpenToAll(join(directory, "data"))) ? directory : sockets, "binaries");
  await rm(copy, { recursive: true, force: true });
  await cp(dirname(found), copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, basename(found));
}

/** A short path that stays the same for a directory: the limit for sockets is far below that of paths. */
async function prepareSockets(directory: string, account: Account): Promise<string> {
  const name = createHash("sha256").update(directory).digest("hex").slice(0, 12);
  const sockets = join(tmpdir().length > 60 ? "/tmp" : tmpdir(), `cairn-pg-${name}`);
  assert(Buffer.byteLength(join(sockets, SOCKET_NAME)) <= SOCKET_BYTES_MAX, `socket path ${sockets}`);
  await mkdir(sockets, { recursive: true, mode: 0o700 });
  const found = await lstat(sockets);
  const wanted = account.kind === "other" ? account.uid : process.getuid?.();
  const ours = found.uid === wanted || found.uid === process.getuid?.();
  if (!found.isDirectory() || !ours) {
    throw new Fault("postgres-start", `${sockets} belongs to somebody else; remove it`, "after-operator");
  }
  await chmod(sockets, 0o700);
  if (account.kind === "other") await chown(sockets, account.uid, account.gid);
  return sockets;
}

/** initdb works in a folder of its own name that is renamed when complete: a crash leaves no half cluster. */
async function ensureCluster(place: Place, durable: boolean, signal?: AbortSignal): Promise<void> {
  if (await exists(join(place.data, "PG_VERSION"))) return;
  const making = `${place.data}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { mode: 0o700 });
  if (place.account.kind === "other") await chown(making, place.account.uid, place.account.gid);
  const command = commandUnder(place.account, join(place.binaries, "initdb"), [
    `--pgdata=${making}`,
    "--username=cairn",
    "--auth=trust",
    "--locale=C",
    "--encoding=UTF8",
    "--no-instructions",
    ...(durable ? [] : ["--no-sync"]),
  ]);
  try {
    await promisify(execFile)(command.file, command.args, {
      ...command.ids,
      cwd: "/",
      timeout: READY_DEADLINE_MS,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Fault("postgres-start", `making the database cluster ${place.data}`, "after-operator", cause);
  }
  await rename(making, place.data);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false;
    throw cause;
  }
}

class Server {
  readonly #place: Place;
  readonly #options: EmbeddedOptions;
  readonly #clock: Clock = systemClock;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #watching: Promise<void> | undefined;

  constructor(place: Place, options: EmbeddedOptions) {
    this.#place = place;
    this.#options = options;
  }

  pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    await this.#launch();
    await this.#untilReady(this.#options.signal);
    await this.#ensureDatabase();
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the server is being stopped"));
    await this.#watching;
    const child = this.#child;
    if (child !== undefined && isRunning(child)) {
      child.ref();
      // SIGINT: fast shutdown, with a checkpoint. SIGQUIT: at once, the next start recovers.
      child.kill("SIGINT");
      if (!(await hasEnded(child, STOP_FAST_MS))) child.kill("SIGQUIT");
      if (!(await hasEnded(child, STOP_FAST_MS))) child.kill("SIGKILL");
    }
    await rm(this.#place.sockets, { recursive: true, force: true });
    await releaseDirectory(this.#place.directory);
  }

  async #launch(): Promise<void> {
    const { account, binaries, data, sockets } = this.#place;
    const durable = this.#options.durable ?? true;
    const settings = [
      "listen_addresses=",
      `unix_socket_directories=${sockets}`,
      "unix_socket_permissions=0700",
      // A test run's server serves several installations at once.
      `max_connections=${durable ? 200 : 500}`,
      "shared_buffers=64MB",
      ...(durable ? ["fsync=on"] : ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]),
    ];
    const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
    const command = commandUnder(account, join(binaries, "postgres"), args);
    await using log = await open(this.#place.log, "a");
    // Detached: Ctrl-C in the terminal is ours to hear; the database is ended last, by `stop`.
    this.#child = spawn(command.file, command.args, {
      ...command.ids,
      cwd: "/",
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    this.#child.once("error", (cause) => this.#options.onFault?.(cause));
    this.#child.unref();
  }

  async #untilReady(signal?: AbortSignal): Promise<void> {
    const deadline = this.#clock.now() + READY_DEADLINE_MS;
    for (;;) {
      const child = this.#child;
      if (child === undefined || !isRunning(child))
        throw new Error(`the server ended; see ${this.#place.log}`);
      const refused = await this.#probe();
      if (refused === undefined) return;
      if (this.#clock.now() > deadline) throw refused;
      await this.#clock.sleep(20, signal);
    }
  }

  async #probe(): Promise<Error | undefined> {
    const client = new Client({ connectionString: this.#place.url("postgres") });
    try {
      await client.connect();
      await client.end();
      return undefined;
    } catch (cause) {
      return asError(cause);
    }
  }

  async #ensureDatabase(): Promise<void> {
    const client = new Client({ connectionString: this.#place.url("postgres") });
    await client.connect();
    try {
      const { rowCount } = await client.query("select from pg_database where datname = $1", [DATABASE]);
      if (rowCount === 0) await client.query(`create database ${DATABASE}`);
    } finally {
      await client.end();
    }
  }

  /** Starts the server again whenever it ends by itself. A new one waits for the old one's last children. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    const isStopping = (): boolean => signal.aborted;
    while (!isStopping()) {
      const child = this.#child;
      if (child !== undefined) await endOf(child, signal);
      if (isStopping()) return;
      try {
        this.#options.onFault?.(new Fault("postgres-died", "PostgreSQL ended; starting it again", "later"));
        await this.#launch();
        await this.#untilReady(signal);
      } catch (cause) {
        if (isStopping()) return;
        this.#options.onFault?.(asError(cause));
        await this.#clock.sleep(RESTART_PAUSE_MS, signal).catch(() => undefined);
      }
    }
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function endOf(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (!isRunning(child)) return;
  await new Promise<void>((end) => {
    child.once("exit", () => end());
    signal.addEventListener("abort", () => end(), { once: true });
  });
}

async function hasEnded(child: ChildProcess, withinMs: number): Promise<boolean> {
  await endOf(child, AbortSignal.timeout(withinMs));
  return !isRunning(child);
}
