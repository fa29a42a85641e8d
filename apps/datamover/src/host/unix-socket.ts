import { readFile, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { Fault, hasCode } from "@cairn/kernel";

/**
 * Makes sure that one datamover works with a scratch folder: it listens on a socket there for as long as it
 * lives. A socket that nobody listens on was left by a dead one.
 */
export async function claimFolder(socket: string): Promise<AsyncDisposable> {
  const server = await listenOrFindOther(socket);
  return {
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

async function listenOrFindOther(socket: string): Promise<Server> {
  try {
    return await listen(socket);
  } catch (cause) {
    if (!hasCode(cause, "EADDRINUSE"))
      throw new Fault("scratch-unusable", `listening on ${socket}`, "after-operator", cause);
  }
  if (await answers(socket)) {
    throw new Fault("already-running", `another datamover works with ${socket}`, "after-operator");
  }
  await unlink(socket);
  return listen(socket);
}

async function listen(socket: string): Promise<Server> {
  const server = createServer((client) => {
    client.destroy();
  });
  const ready = Promise.withResolvers<void>();
  server.on("error", ready.reject);
  server.listen(socket, ready.resolve);
  await ready.promise;
  return server;
}

/** `__SO_ACCEPTCON` in the flags of `/proc/net/unix`: the socket listens (net/unix/af_unix.c). */
const LISTENS = "00010000";

/**
 * Whether somebody listens on a unix socket of this path, found out without a word to whoever it is: QEMU's
 * main loop hangs for ever when its NBD server is stopped while a client has just come (seen with 7.2.22: it
 * waits for the client's handshake to end, and does not look at that client's socket meanwhile).
 */
export async function isListenedOn(path: string): Promise<boolean> {
  const lines = (await readFile("/proc/net/unix", "utf8")).split("\n");
  return lines.some((line) => line.split(" ")[3] === LISTENS && line.endsWith(` ${path}`));
}

/** Whether somebody answers on a unix socket. Not for QEMU's: see `isListenedOn`. */
async function answers(path: string): Promise<boolean> {
  const answer = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.on("connect", () => {
    answer.resolve(true);
  });
  socket.on("error", () => {
    answer.resolve(false);
  });
  try {
    return await answer.promise;
  } finally {
    socket.destroy();
  }
}
