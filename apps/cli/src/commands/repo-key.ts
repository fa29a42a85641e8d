import { resolve } from "node:path";
import type * as Reader from "@cairn/reader";
import { type Command, Option } from "commander";
import type { Shell } from "../shell.ts";
import { contextOf, usage, withOutputFlags } from "./context.ts";
import { openTargetOf, openTargetWithKey, type TargetFlags, withTargetFlags } from "./repo-target.ts";
import { examples } from "./workload.ts";

const SLOT_COLUMNS = ["slot", "label", "kind", "rights", "opens_with"];

interface ChangeFlags extends TargetFlags {
  readonly withoutEscrow?: true;
  readonly removeOld?: true;
}

interface AddFlags extends ChangeFlags {
  readonly label: string;
  readonly rights?: "all" | "structure";
  readonly newKeyFile?: string;
  readonly newPassphraseFile?: string;
  readonly newEscrowKey?: string;
}

/** `cairn repo key …`: what opens a repository. */
export function addKeys(repo: Command, shell: Shell): void {
  const key = repo
    .command("key")
    .description("list, add, remove and rotate what opens a repository")
    .addHelpText(
      "after",
      examples(
        "cairn repo key list --target /backups",
        "cairn repo key add --target /backups --key-file master.key --label night --new-passphrase-file p",
        "cairn repo key rotate --target /backups --escrow-key escrow.pem",
      ),
    );
  addListing(key, shell);
  addAddition(key, shell);
  addRemoval(key, shell);
  addRotation(key, shell);
  addEscrow(key, shell);
  addDestruction(key, shell);
}

function addListing(key: Command, shell: Shell): void {
  withTargetFlags(withOutputFlags(key.command("list")))
    .description("list the slots of a repository's newest key set; it needs no key")
    .addHelpText("after", examples("cairn repo key list --target /backups -f json"))
    .action(async (flags: TargetFlags) => {
      const reader = await import("@cairn/reader");
      const { store } = await openTargetOf(shell, flags);
      const listing = await reader.listKeySlots({ store, ...chosen(flags), signal: shell.signal });
      const { repositoryId, slots, olderSets } = listing;
      await printSlots(shell, { ...flags }, slots);
      if (olderSets === 0) return;
      const what = `${olderSets} older key ${olderSets === 1 ? "set is" : "sets are"} still there`;
      shell.err.write(`cairn: ${repositoryId}: ${what}; --remove-old with the next change removes them\n`);
    });
}

function chosen(flags: TargetFlags): { readonly repositoryId?: string } {
  return flags.repository === undefined ? {} : { repositoryId: flags.repository };
}

function withChangeFlags(command: Command): Command {
  return withTargetFlags(withOutputFlags(command))
    .option("--without-escrow", "the repository shall have no escrow from now on")
    .option("--remove-old", "remove the key sets before this change; needs the right to delete");
}

async function changeOf(shell: Shell, flags: ChangeFlags): Promise<Reader.KeyChange> {
  const { store, credentials } = await openTargetWithKey(shell, flags);
  const change = {
    store,
    credentials,
    ...chosen(flags),
    withoutEscrow: flags.withoutEscrow === true,
    removeOld: flags.removeOld === true,
    at: shell.clock.now(),
    signal: shell.signal,
  };
  return change;
}

function addAddition(key: Command, shell: Shell): void {
  withChangeFlags(key.command("add"))
    .description("add a slot: somebody or something more that opens the repository")
    .requiredOption("--label <text>", "what people call it")
    .addOption(new Option("--rights <rights>", "what it opens (default: all)").choices(["all", "structure"]))
    .option("--new-key-file <file>", "its key; made when it is not there")
    .option("--new-passphrase-file <file>", "file whose first line is its passphrase")
    .option("--new-escrow-key <key>", "public key of an escrow: base64, PEM, or a file with it")
    .addHelpText(
      "after",
      examples(
        "cairn repo key add --target /backups --key-file master.key --label sweep --rights structure \\\n" +
          "    --new-key-file sweep.key",
      ),
    )
    .action(async (flags: AddFlags) => {
      const reader = await import("@cairn/reader");
      const change = await changeOf(shell, flags);
      const { label, rights, newKeyFile, newPassphraseFile, newEscrowKey } = flags;
      const slot = {
        label,
        ...(rights === undefined ? {} : { rights }),
        ...(newKeyFile === undefined ? {} : { newKeyFile: resolve(shell.cwd, newKeyFile) }),
        ...(newPassphraseFile === undefined
          ? {}
          : { newPassphraseFile: resolve(shell.cwd, newPassphraseFile) }),
        ...(newEscrowKey === undefined ? {} : { newEscrowKey }),
      };
      await tellChange(shell, flags, await reader.addKeySlot(change, slot));
    });
}

function addRemoval(key: Command, shell: Shell): void {
  withChangeFlags(key.command("remove"))
    .description("remove a slot: it opens nothing any more that is changed from now on")
    .argument("<slot>", "id, the beginning of one, or label")
    .option("--rotate", "begin a new key epoch, too: what was known before opens nothing new")
    .addHelpText(
      "after",
      examples("cairn repo key remove night --target /backups --key-file master.key --rotate --remove-old"),
    )
    .action(async (slot: string, flags: ChangeFlags & { readonly rotate?: true }) => {
      const reader = await import("@cairn/reader");
      const change = await changeOf(shell, flags);
      const options = { slot, rotate: flags.rotate === true };
      await tellChange(shell, flags, await reader.removeKeySlot(change, options));
    });
}

function addRotation(key: Command, shell: Shell): void {
  withChangeFlags(key.command("rotate"))
    .description("begin a new key epoch: new backups are sealed with new keys, old ones still open")
    .addHelpText("after", examples("cairn repo key rotate --target /backups --key-file master.key"))
    .action(async (flags: ChangeFlags) => {
      const reader = await import("@cairn/reader");
      const change = await changeOf(shell, flags);
      await tellChange(shell, flags, await reader.rotateKeys(change));
    });
}

async function tellChange(shell: Shell, flags: ChangeFlags, changed: Reader.ChangedKeys): Promise<void> {
  const { keySet, removed } = changed;
  await printSlots(shell, { ...flags }, keySet.slots);
  const epoch = keySet.epochs.at(-1)?.epoch ?? 0;
  const old = removed.length === 0 ? "" : `; ${removed.length} older removed`;
  shell.err.write(`cairn: key set ${keySet.sequence}, key epoch ${epoch}${old}\n`);
}

async function printSlots(
  shell: Shell,
  flags: Readonly<Record<string, unknown>>,
  slots: Reader.KeyListing["slots"],
): Promise<void> {
  const rows = slots.map(({ id, label, kind, rights, secretId, publicKey }) => ({
    slot: id,
    label,
    kind,
    rights,
    opens_with: secretId ?? publicKey ?? "",
  }));
  await contextOf(shell, flags).printList(rows, SLOT_COLUMNS);
}

function addEscrow(key: Command, shell: Shell): void {
  key
    .command("escrow-create")
    .description("make an escrow's key pair: the private key into a file, the public one onto the screen")
    .requiredOption("-o, --output <file>", "the file to make; keep it away from every server")
    .option("--passphrase-file <file>", "file whose first line protects the private key")
    .addHelpText("after", examples("cairn repo key escrow-create -o escrow.pem"))
    .action(async (flags: { readonly output: string; readonly passphraseFile?: string }) => {
      const reader = await import("@cairn/reader");
      const { passphraseFile } = flags;
      const publicKey = await reader.makeEscrow({
        output: resolve(shell.cwd, flags.output),
        ...(passphraseFile === undefined ? {} : { passphraseFile: resolve(shell.cwd, passphraseFile) }),
      });
      shell.out.write(`${publicKey}\n`);
      const next = "set it as engine.escrow_public_key, and put the file into a safe";
      shell.err.write(`cairn: the line above is the public key: ${next}\n`);
    });
}

interface DestroyFlags extends TargetFlags {
  readonly why: string;
  readonly confirm: string;
}

function addDestruction(key: Command, shell: Shell): void {
  withTargetFlags(withOutputFlags(key.command("destroy")))
    .description("destroy all keys of a repository: its backups can never be read again")
    .requiredOption("--why <text>", "the reason, for the record that stays")
    .requiredOption("--confirm <id>", "the repository's id once more")
    .addHelpText(
      "after",
      examples("cairn repo key destroy --target /backups --repository ID --confirm ID --why 'left'"),
    )
    .action(async (flags: DestroyFlags) => {
      const { repository: repositoryId, confirm, why } = flags;
      if (repositoryId === undefined || repositoryId !== confirm) {
        throw usage("--repository and --confirm must both name the repository.", "--confirm", confirm);
      }
      const reader = await import("@cairn/reader");
      const { store } = await openTargetOf(shell, flags);
      const by = shell.env["USER"] ?? "somebody with the target's credentials";
      const choice = { store, repositoryId, signal: shell.signal };
      const { removed, kept } = await reader.destroyRepository(choice, { at: shell.clock.now(), by, why });
      const rows = [
        ...removed.map((name) => ({ name, result: "destroyed", why: "" })),
        ...kept.map((each) => ({ name: each.name, result: "kept", why: each.why })),
      ];
      await contextOf(shell, { ...flags }).printList(rows, ["name", "result", "why"]);
    });
}
