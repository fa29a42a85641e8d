import { Command, CommanderError, Help, type Option } from "commander";
import { admissionCommand } from "./commands/admission.ts";
import { auditCommand } from "./commands/audit.ts";
import { drillCommand } from "./commands/drill.ts";
import { emailCommand } from "./commands/email.ts";
import { fileCommand } from "./commands/file.ts";
import { addManual } from "./commands/manual.ts";
import { nodeCommand } from "./commands/node.ts";
import { importCommand, orphanCommand } from "./commands/ownership.ts";
import { policyCommand } from "./commands/policy.ts";
import { policyFileCommand } from "./commands/policy-file.ts";
import { protectionCommand } from "./commands/protection.ts";
import { quotaCommand } from "./commands/quota.ts";
import { recoveryCommand } from "./commands/recovery.ts";
import { repoCommand } from "./commands/repo.ts";
import { restoreCommand } from "./commands/restore.ts";
import { retentionCommand } from "./commands/retention.ts";
import { schedulerCommand } from "./commands/scheduler.ts";
import { settingCommand } from "./commands/setting.ts";
import { setupCommand } from "./commands/setup.ts";
import { snapshotCommand } from "./commands/snapshot.ts";
import { targetCommand } from "./commands/target.ts";
import { targetTypeCommand } from "./commands/target-type.ts";
import { trustCommand } from "./commands/trust.ts";
import { activityCommand, licenseCommand, usageCommand } from "./commands/usage.ts";
import { FailedRun, StoppedWatching } from "./commands/watching.ts";
import { webhookCommand } from "./commands/webhook.ts";
import { examples, workloadCommand } from "./commands/workload.ts";
import { workloadTypeCommand } from "./commands/workload-type.ts";
import { type Ending, EXIT, type ExitCode, endingOf } from "./exit-codes.ts";
import type { Shell } from "./shell.ts";
import { VERSION } from "./version.ts";

/**
 * Runs one command line (without Node and script) and gives its exit code. Errors are one line on standard
 * error.
 */
export async function runCommandLine(argv: readonly string[], shell: Shell): Promise<ExitCode> {
  const program = buildProgram(shell);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return EXIT.ok;
  } catch (cause) {
    const ending = endOf(cause, { shell, help: `${commandIn(program, argv)} --help` });
    if (ending.message !== "") shell.err.write(`cairn: ${ending.message}\n`);
    return ending.exitCode;
  }
}

/** All of `cairn` as commander's commands. */
export function buildProgram(shell: Shell): Command {
  const program = new Command("cairn")
    .description("Backups of OpenStack instances.")
    .version(VERSION, "--version", "print the version")
    .addHelpText(
      "after",
      examples(
        "cairn workload create web --instance web-1 --instance web-2",
        "cairn snapshot create web --wait",
        "cairn restore oneclick nightly --wait",
      ),
    )
    .addHelpText(
      "after",
      "Credentials come from the OS_* variables, or from clouds.yaml with --os-cloud or OS_CLOUD.\n" +
        "Exit codes: 0 ok, 1 failed, 2 wrong input, 3 not found, 4 not allowed, 5 conflict,\n" +
        "69 unavailable.\n",
    );
  program.addCommand(workloadCommand(shell));
  program.addCommand(snapshotCommand(shell));
  program.addCommand(restoreCommand(shell));
  program.addCommand(fileCommand(shell));
  program.addCommand(retentionCommand(shell));
  program.addCommand(schedulerCommand(shell));
  program.addCommand(trustCommand(shell));
  program.addCommand(policyFileCommand(shell));
  program.addCommand(auditCommand(shell));
  program.addCommand(admissionCommand(shell));
  program.addCommand(protectionCommand(shell));
  program.addCommand(workloadTypeCommand(shell));
  program.addCommand(settingCommand(shell));
  program.addCommand(emailCommand(shell));
  program.addCommand(webhookCommand(shell));
  program.addCommand(targetCommand(shell));
  program.addCommand(targetTypeCommand(shell));
  program.addCommand(policyCommand(shell));
  program.addCommand(quotaCommand(shell));
  program.addCommand(nodeCommand(shell));
  program.addCommand(usageCommand(shell));
  program.addCommand(activityCommand(shell));
  program.addCommand(licenseCommand(shell));
  program.addCommand(importCommand(shell));
  program.addCommand(orphanCommand(shell));
  program.addCommand(recoveryCommand(shell));
  program.addCommand(drillCommand(shell));
  program.addCommand(repoCommand(shell));
  program.addCommand(setupCommand(shell));
  addManual(program, shell);
  for (const each of withDescendants(program)) settle(each, shell);
  return program;
}

/** Commander shall neither exit nor print errors of its own: every end goes through `endOf`. */
function settle(command: Command, shell: Shell): void {
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ optionDescription })
    .configureOutput({
      writeOut: (text) => shell.out.write(text),
      writeErr: (text) => shell.err.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => shell.out.columns ?? 100,
      getErrHelpWidth: () => shell.err.columns ?? 100,
    });
}

/** Commander would add "(default: [])" to every flag that may be repeated. */
function optionDescription(option: Option): string {
  return Array.isArray(option.defaultValue) ? option.description : new Help().optionDescription(option);
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** The command that a line names, as far as it names one: `cairn workload create`. */
function commandIn(program: Command, argv: readonly string[]): string {
  const [next, ...rest] = argv;
  const found = program.commands.find((each) => each.name() === next);
  return found === undefined ? program.name() : `${program.name()} ${commandIn(found, rest)}`;
}

interface Place {
  readonly shell: Shell;
  /** The command line that shows the help of what was called. */
  readonly help: string;
}

function endOf(cause: unknown, { shell, help }: Place): Ending {
  if (cause instanceof CommanderError) return commanderEnd(cause, help);
  if (cause instanceof FailedRun) return { exitCode: cause.exitCode, message: cause.message };
  if (cause instanceof StoppedWatching) return { exitCode: EXIT.interrupted, message: cause.message };
  if (shell.signal.aborted) return { exitCode: EXIT.interrupted, message: "interrupted" };
  return endingOf(cause);
}

function commanderEnd(error: CommanderError, help: string): Ending {
  // Help and version were printed; `cairn` alone prints its help as an error.
  if (error.exitCode === 0) return { exitCode: EXIT.ok, message: "" };
  if (error.code === "commander.help") return { exitCode: EXIT.usage, message: "" };
  const text = error.message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .replace(/\.+$/, "");
  return { exitCode: EXIT.usage, message: `${text}. See: ${help}` };
}
