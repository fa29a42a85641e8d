import { type AddressInfo, createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

/** A mail that the server took. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came. */
  readonly data: string;
  /** What the client said by AUTH PLAIN: user name and password. */
  readonly login: string | undefined;
  readonly isSecure: boolean;
}

export interface MailServerOptions {
  /** Offers STARTTLS with this key and certificate; `implicit`: TLS from the first byte. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly implicit?: boolean };
  /** What it says to a command instead of taking it, by the command's first word: `550 no such user`. */
  readonly answers?: Readonly<Record<string, string>>;
  /** Greets nobody: a server that hangs. */
  readonly isSilent?: boolean;
}

/** As much of an SMTP server (RFC 5321) as tests need, on a free port of the loopback. */
export interface TestMailServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly TakenMail[];
  /** How often somebody connected. */
  readonly connections: number;
  /** May be changed while it runs. */
  options: MailServerOptions;
}

/** Starts it; disposing of it ends every connection. */
export async function startTestMailServer(options: MailServerOptions = {}): Promise<TestMailServer> {
  const mails: TakenMail[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A client that goes away in the middle is nothing to a server of tests.
    socket.on("error", () => socket.destroy());
    if (made.options.isSilent === true) return;
    new Talk(made.options, (mail) => mails.push(mail)).begin(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const made: TestMailServer = {
    port: (server.address() as AddressInfo).port,
    mails,
    get connections() {
      return connections;
    },
    options,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return made;
}

/** One client's talk with the server, line by line. */
class Talk {
  readonly #options: MailServerOptions;
  readonly #take: (mail: TakenMail) => void;
  #socket: Socket | undefined;
  #buffer = "";
  #data: string[] | undefined;
  #from = "";
  #to: string[] = [];
  #login: string | undefined;

  constructor(options: MailServerOptions, take: (mail: TakenMail) => void) {
    this.#options = options;
    this.#take = take;
  }

  begin(socket: Socket): void {
    if (this.#options.tls?.implicit === true) this.#secure(socket);
    else this.#listen(socket);
    this.#say("220 test ESMTP");
  }

  #listen(socket: Socket): void {
    this.#socket = socket;
    this.#buffer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      this.#buffer += text;
      const lines = this.#buffer.split("\r\n");
      this.#buffer = lines.pop() ?? "";
      for (const line of lines) this.#hear(line);
    });
  }

  #secure(socket: Socket): void {
    const { key, cert } = this.#options.tls ?? {};
    socket.removeAllListeners("data");
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ key, cert }),
    });
    // A client that does not trust the certificate ends the connection.
    secure.on("error", () => socket.destroy());
    this.#listen(secure);
  }

  get #isSecure(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  #say(...lines: string[]): void {
    this.#socket?.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  #hear(line: string): void {
    if (this.#data !== undefined) {
      this.#hearData(line);
      return;
    }
    const [word = ""] = line.toUpperCase().split(" ", 1);
    const refusal = this.#options.answers?.[word];
    if (refusal === undefined) this.#obey(word, line);
    else this.#say(refusal);
  }

  #hearData(line: string): void {
    if (line !== ".") {
      this.#data?.push(line.replace(/^\./, ""));
      return;
    }
    const data = (this.#data ?? []).join("\r\n");
    this.#take({ from: this.#from, to: this.#to, data, login: this.#login, isSecure: this.#isSecure });
    this.#data = undefined;
    this.#say("250 taken");
  }

  #obey(word: string, line: string): void {
    switch (word) {
      case "EHLO":
        this.#greet();
        return;
      case "STARTTLS":
        this.#say("220 go on");
        if (this.#socket !== undefined) this.#secure(this.#socket);
        return;
      case "AUTH":
        this.#login = Buffer.from(line.split(" ")[2] ?? "", "base64")
          .toString("utf8")
          .slice(1)
          .replace("\0", ":");
        this.#say("235 welcome");
        return;
      case "MAIL":
        this.#from = addressIn(line);
        this.#to = [];
        this.#say("250 ok");
        return;
      case "RCPT":
        this.#to.push(addressIn(line));
        this.#say("250 ok");
        return;
      case "DATA":
        this.#data = [];
        this.#say("354 go on");
        return;
      case "QUIT":
        this.#say("221 bye");
        this.#socket?.end();
        return;
      default:
        this.#say("250 ok");
    }
  }

  #greet(): void {
    const offersTls = this.#options.tls !== undefined && !this.#isSecure;
    this.#say("250-test", ...(offersTls ? ["250-STARTTLS"] : []), "250-AUTH PLAIN", "250 8BITMIME");
  }
}

function addressIn(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? "";
}
