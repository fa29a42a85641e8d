import { connect, type Socket } from "node:net";
import type { NbdServer } from "../export.ts";

const OPTION_MAGIC = 0x49484156454f5054n;

/** A client that sends whatever it is told to. */
export interface RawClient extends AsyncDisposable {
  readonly socket: Socket;
  send(...parts: Buffer[]): void;
  /** The next bytes, exactly so many. */
  take(bytes: number): Promise<Buffer>;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
}

export function rawClient(server: NbdServer): RawClient {
  const { address } = server;
  const socket =
    address.kind === "unix"
      ? connect({ path: address.path })
      : connect({ host: address.host, port: address.port });
  return onSocket(socket);
}

/** The same on a socket that is there already. */
export function onSocket(socket: Socket): RawClient {
  let buffered = Buffer.alloc(0);
  let wake: () => void = () => undefined;
  const closed = Promise.withResolvers<void>();
  socket.on("data", (bytes: Buffer) => {
    buffered = Buffer.concat([buffered, bytes]);
    wake();
  });
  // Writing to a server that has closed is what these clients are for.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed.resolve();
    wake();
  });
  return {
    socket,
    closed: closed.promise,
    send: (...parts) => {
      if (!socket.destroyed) socket.write(Buffer.concat(parts));
    },
    take: async (bytes) => {
      while (buffered.length < bytes) {
        if (socket.destroyed) throw new Error(`closed with ${buffered.length} of ${bytes} bytes`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const taken = buffered.subarray(0, bytes);
      buffered = buffered.subarray(bytes);
      return taken;
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      await closed.promise;
    },
  };
}

export const CLIENT_FLAGS = Buffer.from([0, 0, 0, 3]);

export function option(number: number, data: Buffer = Buffer.alloc(0), length = data.length): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(number, 8);
  head.writeUInt32BE(length, 12);
  return Buffer.concat([head, data]);
}

/** A text with its length before it. */
export function text(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(value), 0);
  return Buffer.concat([length, Buffer.from(value)]);
}

export function goData(exportName: string): Buffer {
  return Buffer.concat([text(exportName), Buffer.from([0, 0])]);
}

export function request(fields: {
  readonly command: number;
  readonly offset?: bigint;
  readonly length?: number;
  readonly flags?: number;
  readonly cookie?: bigint;
}): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(0x25609513, 0);
  bytes.writeUInt16BE(fields.flags ?? 0, 4);
  bytes.writeUInt16BE(fields.command, 6);
  bytes.writeBigUInt64BE(fields.cookie ?? 7n, 8);
  bytes.writeBigUInt64BE(fields.offset ?? 0n, 16);
  bytes.writeUInt32BE(fields.length ?? 0, 24);
  return bytes;
}

/** The reply to an option: its type and data. */
export async function optionReply(client: RawClient): Promise<{ type: number; data: Buffer }> {
  const head = await client.take(20);
  return { type: head.readUInt32BE(12), data: await client.take(head.readUInt32BE(16)) };
}

/** Greets, asks for structured replies if told, and enters an export. */
export async function enter(client: RawClient, exportName: string, structured: boolean): Promise<void> {
  await client.take(18);
  client.send(CLIENT_FLAGS);
  if (structured) {
    client.send(option(8));
    await optionReply(client);
  }
  client.send(option(7, goData(exportName)));
  for (let type = 0; type !== 1; ) ({ type } = await optionReply(client));
}

export interface ChunkSeen {
  readonly flags: number;
  readonly type: number;
  readonly payload: Buffer;
}

/** One chunk of a structured reply. */
export async function takeChunk(client: RawClient): Promise<ChunkSeen> {
  const head = await client.take(20);
  const payload = await client.take(head.readUInt32BE(16));
  return { flags: head.readUInt16BE(4), type: head.readUInt16BE(6), payload };
}
