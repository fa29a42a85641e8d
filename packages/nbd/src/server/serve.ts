import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { asError, assert, Fault } from "@cairn/kernel";
import type { NbdListen, NbdServer, NbdServerEvent, NbdServerOptions } from "../export.ts";
import { NbdProtocolFault } from "../faults.ts";
import { type Entered, shakeHands } from "./handshake.ts";
import { PeerGone, PeerStream } from "./peer-stream.ts";
import { transmit } from "./transmission.ts";

const CONNECTIONS_MAX = 32;
const PATIENCE_MS = 30_000;
const LOOPBACK = "127.0.0.1";

/**
 * Serves exports, read-only, until it is closed. A unix socket is for its owner alone. Faults:
 * `nbd-listen-failed` (the path or port is taken, or may not be used).
 */
export async function serveNbd(options: NbdServerOptions): Promise<NbdServer> {
  options.signal?.throwIfAborted();
  const names = new Set(options.exports.map(({ name }) => name));
  assert(names.size === options.exports.length, "each export has a name of its own");
  const server = createServer();
  const serving = new Serving(options, server);
  await listening(server, options.listen);
  const close = (): void => void serving.close();
  options.signal?.addEventListener("abort", close, { once: true });
  server.once("close", () => options.signal?.removeEventListener("abort", close));
  return serving;
}

async function listening(server: Server, listen: NbdListen): Promise<void> {
  try {
    if (listen.kind === "unix") server.listen({ path: listen.path });
    else server.listen({ host: listen.host ?? LOOPBACK, port: listen.port });
    await once(server, "listening");
    if (listen.kind === "unix") await chmod(listen.path, 0o600);
  } catch (cause) {
    server.close();
    const where = listen.kind === "unix" ? listen.path : `${listen.host ?? LOOPBACK}:${listen.port}`;
    throw new Fault("nbd-listen-failed", `listening for NBD clients at ${where}`, "after-operator", cause);
  }
}

class Serving implements NbdServer {
  readonly #options: NbdServerOptions;
  readonly #server: Server;
  readonly #ended = new AbortController();
  readonly #open = new Set<Promise<void>>();
  #accepted = 0;

  constructor(options: NbdServerOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    server.on("connection", (socket) => {
      this.#accept(socket);
    });
    // Such as EMFILE while accepting: the next client may have better luck.
    server.on("error", (cause) => {
      if (server.listening) this.#tell({ kind: "dropped", connection: 0, why: cause.message });
    });
  }

  get address(): NbdServer["address"] {
    const { listen } = this.#options;
    if (listen.kind === "unix") return { kind: "unix", path: listen.path };
    const bound = this.#server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : listen.port;
    return { kind: "tcp", host: listen.host ?? LOOPBACK, port };
  }

  get connections(): number {
    return this.#open.size;
  }

  uri(exportName: string): string {
    const { address } = this;
    const name = encodeURIComponent(exportName);
    if (address.kind === "unix") return `nbd+unix:///${name}?socket=${encodeURIComponent(address.path)}`;
    const { listen } = this.#options;
    const scheme = listen.kind === "tcp" && listen.tls !== undefined ? "nbds" : "nbd";
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    return `${scheme}://${host}:${address.port}/${name}`;
  }

  async close(): Promise<void> {
    this.#ended.abort(new PeerGone("the server ends"));
    if (this.#server.listening) {
      const closed = once(this.#server, "close");
      this.#server.close();
      await Promise.all(this.#open);
      await closed;
    }
    await Promise.all(this.#open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    this.#accepted += 1;
    const connection = this.#accepted;
    const limit = this.#options.connectionsMax ?? CONNECTIONS_MAX;
    if (this.#open.size >= limit || this.#ended.signal.aborted) {
      // The one listener that keeps a late error from ending the process.
      socket.on("error", () => undefined);
      socket.destroy();
      this.#tell({ kind: "dropped", connection, why: `more than ${limit} connections` });
      return;
    }
    const conversation = this.#converse(socket, connection).finally(() => {
      this.#open.delete(conversation);
    });
    this.#open.add(conversation);
  }

  /** A client from its first byte to its last. Its end is an event, whatever it was. */
  async #converse(socket: Socket, connection: number): Promise<void> {
    const gone = new AbortController();
    const signal = AbortSignal.any([this.#ended.signal, gone.signal]);
    const line = new Line(socket, this.#options.patienceMs ?? PATIENCE_MS, this.#ended.signal);
    try {
      const entered = await this.#enter(line);
      const exportName = entered.export.name;
      this.#tell({ kind: "connected", connection, exportName });
      const onFailure = (offset: number, length: number, cause: unknown): void => {
        this.#tell({ kind: "request-failed", connection, exportName, offset, length, cause });
      };
      line.stream.onEnded(() => gone.abort(line.stream.ended));
      await transmit({ stream: line.stream, entered, signal, onFailure });
    } catch (cause) {
      line.stream.drop(asError(cause));
      const why = line.stream.ended ?? asError(cause);
      if (why instanceof PeerGone) this.#tell({ kind: "disconnected", connection });
      else this.#tell({ kind: "dropped", connection, why: why.message });
    } finally {
      gone.abort(new PeerGone("the conversation is over"));
      line.release();
    }
  }

  /** The handshake, all of it within the server's patience. */
  async #enter(line: Line): Promise<Entered> {
    const { exports, listen, patienceMs = PATIENCE_MS } = this.#options;
    const tls = listen.kind === "tcp" ? listen.tls : undefined;
    const overdue = setTimeout(() => {
      line.stream.drop(new NbdProtocolFault("the handshake takes too long"));
    }, patienceMs);
    try {
      const first = await shakeHands(line.stream, { exports, tls: tls === undefined ? "off" : "required" });
      if (first.kind === "entered") return first;
      assert(tls !== undefined, "TLS begins only where it is offered");
      line.protect(tls);
      const second = await shakeHands(line.stream, { exports, tls: "begun" });
      assert(second.kind === "entered", "TLS begins once");
      return second;
    } finally {
      clearTimeout(overdue);
    }
  }

  #tell(event: NbdServerEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** A client's socket, plain or within TLS. */
class Line {
  stream: PeerStream;
  readonly #patienceMs: number;
  readonly #ended: AbortSignal;
  readonly #onServerEnd = (): void => this.stream.drop(asError(this.#ended.reason));

  constructor(socket: Socket, patienceMs: number, ended: AbortSignal) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    this.#patienceMs = patienceMs;
    this.#ended = ended;
    this.stream = new PeerStream(socket, patienceMs);
    ended.addEventListener("abort", this.#onServerEnd, { once: true });
  }

  protect({ key, certificate }: { readonly key: string; readonly certificate: string }): void {
    const bare = this.stream.detach();
    const socket = new TLSSocket(bare, { isServer: true, key, cert: certificate, minVersion: "TLSv1.2" });
    this.stream = new PeerStream(socket, this.#patienceMs);
  }

  release(): void {
    this.#ended.removeEventListener("abort", this.#onServerEnd);
  }
}
