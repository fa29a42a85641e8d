import { connect } from "node:net";
import { Fault, systemClock } from "@cairn/kernel";

const SSH_PORT = 22;
const TRY_MS = 3_000;

interface SshWait {
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** 22 when left out. */
  readonly port?: number;
}

/**
 * What the ssh server at an address greets with (`SSH-2.0-…`, RFC 4253 §4.2), asked until it answers. Throws
 * a Fault `ssh-silent` when it does not within that time.
 */
export async function sshGreeting(
  address: string,
  { withinMs, signal, port = SSH_PORT }: SshWait,
): Promise<string> {
  const deadlineMs = systemClock.now() + withinMs;
  for (;;) {
    const line = await firstLine({ address, port }, signal);
    if (line.startsWith("SSH-")) return line;
    if (systemClock.now() > deadlineMs) {
      const what = `waiting for ssh at ${address}; it says ${JSON.stringify(line)}`;
      throw new Fault("ssh-silent", what, "after-operator");
    }
    await systemClock.sleep(500, signal);
  }
}

/** The first line that a server sends; what it is instead when there is none. */
async function firstLine(
  { address, port }: { readonly address: string; readonly port: number },
  signal: AbortSignal,
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let said = "";
  const socket = connect({ host: address, port, timeout: TRY_MS, signal });
  socket.setEncoding("latin1");
  socket.on("data", (data) => {
    said += String(data);
    if (said.includes("\n")) resolve(said.slice(0, said.indexOf("\n")).trim());
  });
  socket.once("timeout", () => resolve("nothing in time"));
  socket.once("error", ({ message }) => resolve(message));
  socket.once("close", () => resolve("the connection was closed"));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
