import { isIP } from "node:net";
import { resolve } from "node:path";
import { describeFault, Rejection } from "@cairn/kernel";
import type * as Reader from "@cairn/reader";
import type { Command } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, usage, wholeNumber, withOutputFlags } from "./context.ts";
import { type OpenedExport, openExport } from "./repo-export.ts";
import { type TargetFlags, withTargetFlags } from "./repo-target.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["disk", "size_bytes", "uri"];
/** The port of NBD at IANA. */
const PORT = 10_809;

interface ServeFlags extends TargetFlags {
  readonly workload?: string;
  readonly disk?: string;
  readonly socket?: string;
  readonly host?: string;
  readonly port?: number;
  readonly tlsKey?: string;
  readonly tlsCertificate?: string;
}

/** `cairn repo serve` */
export function addServing(repo: Command, shell: Shell): void {
  withTargetFlags(withOutputFlags(repo.command("serve")))
    .description("serve the disks of a snapshot over NBD, read-only, until Ctrl-C")
    .argument("<snapshot>", "id, the beginning of one, or latest")
    .option("--disk <disk>", "only this one: device, instance:device or id")
    .option("--workload <id>", "latest of this workload")
    .option("--socket <path>", "listen on a socket of this machine instead of a port")
    .option(
      "--port <n>",
      `listen on this port; 0 takes any (default: ${PORT})`,
      wholeNumber("--port", 0, 65_535),
    )
    .option("--host <address>", "listen on this address; other than this machine's own needs TLS")
    .option("--tls-certificate <file>", "PEM; clients must then use TLS")
    .option("--tls-key <file>", "PEM, the key of the certificate")
    .addHelpText(
      "after",
      examples(
        "cairn repo serve latest --target /backups --key-file master.key --socket /tmp/shop.sock",
        "qemu-img convert 'nbd+unix:///vda?socket=/tmp/shop.sock' vda.qcow2 -O qcow2",
        "cairn repo serve 4f9c --target /backups --key-file master.key --port 10809 -f json",
      ),
    )
    .action(async (snapshot: string, flags: ServeFlags) => {
      const listen = await listenOf(shell, flags);
      const opened = await openExport(shell, flags, snapshot);
      await serve(shell, opened, { ...flags, listen });
    });
}

type Listen = Reader.ServeOptions["listen"];

async function listenOf(shell: Shell, flags: ServeFlags): Promise<Listen> {
  const { socket, host, port, tlsKey, tlsCertificate } = flags;
  if (socket !== undefined) {
    if (port === undefined && host === undefined) return { kind: "unix", path: resolve(shell.cwd, socket) };
    throw usage("--socket stands instead of --host and --port.", "--socket", socket, "Give one of them.");
  }
  if ((tlsKey === undefined) !== (tlsCertificate === undefined)) {
    throw usage("TLS needs a key and a certificate.", "--tls-key", tlsKey, "Give --tls-certificate, too.");
  }
  const tls =
    tlsKey === undefined || tlsCertificate === undefined
      ? {}
      : {
          tls: {
            key: await readPem(shell, "--tls-key", tlsKey),
            certificate: await readPem(shell, "--tls-certificate", tlsCertificate),
          },
        };
  if (host !== undefined && !isLoopback(host) && tlsKey === undefined) {
    const remedy = "Give --tls-key and --tls-certificate, or serve on a socket and use ssh.";
    throw usage(`Whoever reaches ${host} could read the disks.`, "--host", host, remedy);
  }
  return { kind: "tcp", port: port ?? PORT, ...(host === undefined ? {} : { host }), ...tls };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

async function readPem(shell: Shell, flag: string, path: string): Promise<string> {
  const text = await shell.readFile(resolve(shell.cwd, path));
  if (text?.includes("-----BEGIN") === true) return text;
  throw new Rejection(`${path} is no PEM file that can be read.`, {
    status: 400,
    field: flag,
    value: path,
    remedy: `Give ${flag} a file that begins with -----BEGIN.`,
  });
}

/** Serves until Ctrl-C, which is how it ends well. */
async function serve(
  shell: Shell,
  opened: OpenedExport,
  flags: ServeFlags & { readonly listen: Listen },
): Promise<void> {
  const reader = await import("@cairn/reader");
  const { store, handle, commit, names } = opened;
  const disks =
    flags.disk === undefined ? commit.disks : [reader.chooseDisk(commit.disks, flags.disk, names)];
  await using served = await reader.serveSnapshot({
    store,
    handle,
    disks,
    listen: flags.listen,
    onEvent: (event) => {
      if (event.kind === "dropped") shell.err.write(`cairn: dropped a client: ${event.why}\n`);
      if (event.kind !== "request-failed") return;
      const place = `${event.length} bytes at ${event.offset} of ${event.exportName}`;
      shell.err.write(`cairn: ${place} cannot be read: ${describeFault(event.cause)}\n`);
    },
    signal: shell.signal,
  });
  const rows = served.disks.map(({ disk, exportNames }) => {
    // The device, where it is the only one of its name: people type it.
    const [shortest = ""] = exportNames.toSorted((a, b) => a.length - b.length);
    return {
      disk: reader.diskName(disk, commit.disks, names),
      disk_id: disk.diskId,
      size_bytes: disk.sizeBytes,
      uri: served.server.uri(shortest),
      exports: exportNames,
    };
  });
  await contextOf(shell, { ...flags }).printList(rows, COLUMNS);
  shell.err.write("cairn: serving, read-only; Ctrl-C ends it\n");
  if (shell.signal.aborted) return;
  const done = Promise.withResolvers<void>();
  shell.signal.addEventListener("abort", () => done.resolve(), { once: true });
  await done.promise;
}
