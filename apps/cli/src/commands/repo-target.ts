import type * as Reader from "@cairn/reader";
import type { Command } from "commander";
import type { Shell } from "../shell.ts";

/** Where the backups are and what opens them, as flags say it. */
export interface TargetFlags {
  readonly target: string;
  readonly repository?: string;
  readonly keyFile?: string;
  readonly passphraseFile?: string;
  readonly secretFile?: string;
  readonly escrowKey?: string;
  readonly escrowPassphraseFile?: string;
}

/** The flags of every command that needs no service: a target, and a key. */
export function withTargetFlags(command: Command, isRequired = true): Command {
  const help = "directory, or s3://bucket/prefix?endpoint=https://host (keys: AWS_ACCESS_KEY_ID …)";
  if (isRequired) command.requiredOption("--target <place>", help);
  else command.option("--target <place>", help);
  return command
    .option("--repository <id>", "only this repository of the target")
    .option("--key-file <file>", "file with the key (base64 of 32 bytes)")
    .option("--passphrase-file <file>", "file whose first line opens a slot")
    .option("--secret-file <file>", "file with the payload of an encrypted workload's secret")
    .option("--escrow-key <file>", "file with the escrow's private key")
    .option("--escrow-passphrase-file <file>", "file whose first line opens the escrow's private key");
}

export interface OpenedTarget {
  readonly address: Reader.TargetAddress;
  readonly store: Reader.Store;
  /** Empty when no flag names a key. */
  readonly credentials: Awaited<ReturnType<typeof Reader.readCredentials>>;
}

/** Opens the target that the flags name, and reads the keys. Nothing is asked of the target yet. */
export async function openTargetOf(shell: Shell, flags: TargetFlags): Promise<OpenedTarget> {
  // Loaded here and not at the top: `--help` and commands of the API do without.
  const reader = await import("@cairn/reader");
  const address = reader.parseTarget(flags.target, shell.env, shell.cwd);
  const { keyFile, passphraseFile, secretFile, escrowKey, escrowPassphraseFile } = flags;
  const keys = {
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
    ...(secretFile === undefined ? {} : { secretFile }),
    ...(escrowKey === undefined ? {} : { escrowKey }),
    ...(escrowPassphraseFile === undefined ? {} : { escrowPassphraseFile }),
  };
  const hasKey = Object.keys(keys).length > 0;
  const credentials = hasKey ? await reader.readCredentials(keys) : [];
  return { address, store: reader.openStore(address), credentials };
}

/** As `openTargetOf`, for commands that read what is in disks. */
export async function openTargetWithKey(shell: Shell, flags: TargetFlags): Promise<OpenedTarget> {
  const opened = await openTargetOf(shell, flags);
  // Says, with its remedy, that no key was given.
  const reader = await import("@cairn/reader");
  if (opened.credentials.length === 0) await reader.readCredentials({});
  return opened;
}
