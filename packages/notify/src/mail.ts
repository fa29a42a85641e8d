import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { asError, Fault, type Secret } from "@cairn/kernel";
import { createTransport } from "nodemailer";
import { authorities } from "./authorities.ts";
import type { Receiver } from "./receivers.ts";

/** A mail server and how to speak to it. */
export interface MailServer {
  readonly receiver: Receiver;
  readonly port: number;
  readonly security: "auto" | "tls" | "starttls" | "none";
  readonly login: { readonly username: string; readonly password: Secret } | undefined;
  /** For each of connecting, the greeting, and silence afterwards. */
  readonly timeoutMs: number;
  /** Certificates of further authorities, in PEM. */
  readonly authorities: string | undefined;
}

export interface OutgoingMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The same for each attempt, so that a mail server or a reader knows repeats. */
  readonly messageId: string;
}

const IMPLICIT_TLS_PORT = 465;

/**
 * Has a mail server take a mail for all its recipients. Fault `mail-refused` (never) when the server will
 * not, `mail-unavailable` (later) when that may pass. Nothing of the password is in either.
 */
export async function sendMail(server: MailServer, mail: OutgoingMail, signal: AbortSignal): Promise<void> {
  const doing = `sending mail by ${server.receiver.host}, port ${String(server.port)}`;
  const socket = connect({ host: server.receiver.address, port: server.port });
  // However slowly a server talks on: with the signal its connection ends, and so does the talk.
  const stop = (): void => void socket.destroy(asError(signal.reason));
  signal.addEventListener("abort", stop, { once: true });
  try {
    await connected(socket, server, signal);
    const transport = createTransport(optionsOf(server, socket));
    const { rejected } = await transport.sendMail({
      from: { name: "", address: mail.from },
      to: mail.to.map((address) => ({ name: "", address })),
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      messageId: mail.messageId,
      headers: { "Auto-Submitted": "auto-generated" },
    });
    if (rejected.length > 0) {
      throw new Fault("mail-refused", `${doing}: not taken for ${rejected.map(String).join(", ")}`, "never");
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw mailFault(asError(signal.aborted ? signal.reason : cause), doing, server);
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

async function connected(socket: Socket, { timeoutMs }: MailServer, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const late = new Error(`no connection within ${String(timeoutMs / 1000)} s`);
  socket.setTimeout(timeoutMs, () => socket.destroy(late));
  await once(socket, "connect");
  socket.setTimeout(0);
}

function optionsOf(server: MailServer, socket: Socket) {
  const { receiver, port, security, login, timeoutMs, authorities: more } = server;
  const isImplicit = security === "tls" || (security === "auto" && port === IMPLICIT_TLS_PORT);
  const needsTls = security === "starttls" || (security === "auto" && login !== undefined);
  return {
    connection: socket,
    host: receiver.address,
    port,
    disableFileAccess: true,
    disableUrlAccess: true,
    secure: isImplicit,
    requireTLS: !isImplicit && needsTls,
    ignoreTLS: security === "none",
    ...(isIP(receiver.host) === 0 ? { servername: receiver.host } : {}),
    tls: { rejectUnauthorized: true, ...authorities(more) },
    ...(login === undefined ? {} : { auth: { user: login.username, pass: login.password.reveal() } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  };
}

const SHOWN_MAX = 300;

/**
 * Only a lasting refusal (5xx, RFC 5321) of the mail itself is for good: a login that fails is mended by
 * whoever owns the settings, and the mail goes then.
 */
function mailFault(cause: Error, doing: string, server: MailServer): Fault {
  const { code, responseCode } = cause as { readonly code?: unknown; readonly responseCode?: unknown };
  const isLasting = typeof responseCode === "number" && responseCode >= 500 && responseCode < 600;
  const shown = new Error(withoutPassword(cause.message, server).slice(0, SHOWN_MAX));
  return isLasting && (code === "EENVELOPE" || code === "EMESSAGE")
    ? new Fault("mail-refused", doing, "never", shown)
    : new Fault("mail-unavailable", doing, "later", shown);
}

/** A server may say again what it was told, as text or in the base64 of AUTH (RFC 4616, 4954). */
function withoutPassword(text: string, { login }: MailServer): string {
  if (login === undefined) return text;
  const { username } = login;
  const password = login.password.reveal();
  if (password === "") return text;
  const plain = Buffer.from(`\u0000${username}\u0000${password}`).toString("base64");
  const alone = Buffer.from(password).toString("base64");
  return [plain, alone, password].reduce((shown, each) => shown.replaceAll(each, "[secret]"), text);
}
