import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import type { NbdAddress } from "../connection.ts";

/** What a scripted server answers to one request of the transmission phase. */
export interface SeenRequest {
  readonly command: number;
  readonly flags: number;
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: number;
  readonly payload: Buffer;
}

export interface Script {
  readonly sizeBytes?: number;
  /** Instead of the NBD greeting. */
  readonly greeting?: Buffer;
  /** Replaces the reply to an option; `undefined` keeps the right one. */
  readonly option?: (option: number, socket: Socket) => Buffer | undefined;
  readonly request?: (request: SeenRequest, socket: Socket) => void;
}

/** Numbers and bytes in a row, big-endian. */
export function pack(...parts: (readonly [16 | 32 | 64, number | bigint] | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (Buffer.isBuffer(part)) return part;
      const [bits, value] = part;
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(value));
      return bytes.subarray(8 - bits / 8);
    }),
  );
}

/** A chunk of a structured reply. */
export function chunk(cookie: bigint, type: number, payload: Buffer, isLast = true): Buffer {
  return pack(
    [32, 0x668e33ef],
    [16, isLast ? 1 : 0],
    [16, type],
    [64, cookie],
    [32, payload.length],
    payload,
  );
}

/** A data chunk. */
export function dataChunk(cookie: bigint, offset: bigint, bytes: Buffer, isLast = true): Buffer {
  return chunk(cookie, 1, pack([64, offset], bytes), isLast);
}

/** A simple reply. */
export function simple(cookie: bigint, errno: number): Buffer {
  return pack([32, 0x67446698], [32, errno], [64, cookie]);
}

/** The reply to an option. */
export function optionReply(option: number, type: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  return pack([64, 0x3e889045565a9n], [32, option], [32, type], [32, payload.length], payload);
}

/** A server on loopback that negotiates well and then does what the script says. */
export class ScriptedServer implements AsyncDisposable {
  readonly address: NbdAddress;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = { kind: "loopback", port };
  }

  static async open(script: Script): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const scripted = new ScriptedServer(server, (server.address() as AddressInfo).port);
    server.on("connection", (socket) => {
      scripted.#sockets.add(socket);
      // A client that gives the connection up resets it.
      socket.on("error", () => socket.destroy());
      serve(socket, script);
    });
    return scripted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }
}

function serve(socket: Socket, script: Script): void {
  let pending = Buffer.alloc(0);
  let phase: "flags" | "options" | "requests" = "flags";
  socket.write(script.greeting ?? pack(Buffer.from("NBDMAGICIHAVEOPT"), [16, 3]));
  const step = (): boolean => {
    if (phase === "flags") {
      if (pending.length < 4) return false;
      pending = pending.subarray(4);
      phase = "options";
      return true;
    }
    if (phase === "options") {
      if (pending.length < 16 || pending.length < 16 + pending.readUInt32BE(12)) return false;
      const option = pending.readUInt32BE(8);
      pending = pending.subarray(16 + pending.readUInt32BE(12));
      socket.write(script.option?.(option, socket) ?? goodReply(option, script.sizeBytes ?? 4096));
      if (option === 7) phase = "requests";
      return true;
    }
    const request = takeRequest(pending);
    if (request === undefined) return false;
    pending = pending.subarray(28 + request.payload.length);
    if (request.command === 2) socket.end();
    else script.request?.(request, socket);
    return true;
  };
  socket.on("data", (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    while (step()) continue;
  });
}

function takeRequest(bytes: Buffer): SeenRequest | undefined {
  if (bytes.length < 28) return undefined;
  const length = bytes.readUInt32BE(24);
  const command = bytes.readUInt16BE(6);
  const payloadBytes = command === 1 ? length : 0;
  if (bytes.length < 28 + payloadBytes) return undefined;
  return {
    flags: bytes.readUInt16BE(4),
    command,
    cookie: bytes.readBigUInt64BE(8),
    offset: bytes.readBigUInt64BE(16),
    length,
    payload: Buffer.from(bytes.subarray(28, 28 + payloadBytes)),
  };
}

function goodReply(option: number, sizeBytes: number): Buffer {
  const ack = optionReply(option, 1);
  if (option === 10) {
    return Buffer.concat([optionReply(option, 4, pack([32, 9], Buffer.from("base:allocation"))), ack]);
  }
  if (option !== 7) return ack;
  // Flags: has flags, flush, trim, write zeroes, fast zero.
  const flags = 1 | 4 | 32 | 64 | 2048;
  return Buffer.concat([optionReply(option, 3, pack([16, 0], [64, sizeBytes], [16, flags])), ack]);
}
