import { defaultRights, type RightsRule, rightsRules, samplePolicyFile } from "@cairn/contract";
import { isAllowed, type PolicyRules, policyRules } from "@cairn/domain";
import { asError, Rejection } from "@cairn/kernel";
import { Command } from "commander";
import type { Shell } from "../shell.ts";
import { collected, contextOf, withOutputFlags } from "./context.ts";
import { examples } from "./workload.ts";

const COLUMNS = ["action", "allowed", "check", "description"];

/** `cairn policy-file …`: who may do what, as the API's policy.yaml says. Needs no API. */
export function policyFileCommand(shell: Shell): Command {
  const policy = new Command("policy-file").description("who may do what: the API's policy.yaml");
  policy
    .command("sample")
    .description("print every rule with its default, as a file of comments")
    .addHelpText("after", examples("cairn policy-file sample > /etc/cairn/policy.yaml"))
    .action(() => {
      shell.out.write(samplePolicyFile());
    });
  withOutputFlags(policy.command("check"))
    .description("tell whether a file is right, and what somebody with some roles may do")
    .argument("[file]", "policy.yaml; the defaults without it")
    .option("--role <name>", "of a project's user with this role; may be repeated", collected, [])
    .option("--action <name>", "of this action alone")
    .addHelpText(
      "after",
      examples(
        "cairn policy-file check /etc/cairn/policy.yaml",
        "cairn policy-file check policy.yaml --role backup --action workload:workload_create",
      ),
    )
    .action(async (file: string | undefined, flags: CheckFlags) => {
      const given = file === undefined ? {} : await readOverrides(shell, file);
      const rules = rulesOf(given, file);
      const context = contextOf(shell, { ...flags });
      const shown = rightsRules().filter(({ name }) => name.includes(":") && (flags.action ?? name) === name);
      if (shown.length === 0) {
        throw new Rejection(`There is no action ${flags.action ?? ""}.`, {
          status: 404,
          field: "--action",
          value: flags.action,
          remedy: "cairn policy-file sample lists them.",
        });
      }
      const items = shown.map((rule) => itemOf(rule, { rules, given, roles: flags.role }));
      await context.printList(items, COLUMNS);
    });
  return policy;
}

interface CheckFlags {
  readonly role: readonly string[];
  readonly action?: string;
}

interface Judged {
  readonly rules: PolicyRules;
  readonly given: Readonly<Record<string, unknown>>;
  readonly roles: readonly string[];
}

/** What somebody of a project may do to what is the project's and theirs. */
function itemOf({ name, check, description }: RightsRule, { rules, given, roles }: Judged) {
  const isAdmin = ask(rules, "context_is_admin", roles, false);
  return {
    action: name,
    allowed: ask(rules, name, roles, isAdmin),
    check: given[name] ?? check,
    description,
  };
}

function ask(rules: PolicyRules, name: string, roles: readonly string[], isAdmin: boolean): boolean {
  const credentials = { roles, isAdmin, userId: "user", userName: "user", projectId: "project" };
  return isAllowed(rules, name, { credentials, target: { projectId: "project", userId: "user" } });
}

async function readOverrides(shell: Shell, file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await shell.readFile(file);
  if (text === undefined) throw broken(file, `The file ${file} cannot be read.`);
  const { parse } = await import("yaml");
  let given: unknown;
  try {
    given = parse(text);
  } catch (cause) {
    throw broken(file, `${file}: ${asError(cause).message.split("\n")[0] ?? ""}`);
  }
  if (given === null || given === undefined) return {};
  if (typeof given === "object" && !Array.isArray(given)) return given as Record<string, unknown>;
  throw broken(file, `${file} should have rules, one a line: "name": "check".`);
}

function rulesOf(given: Readonly<Record<string, unknown>>, file: string | undefined): PolicyRules {
  const reading = policyRules(defaultRights(), given);
  if (reading.kind === "rules") return reading.rules;
  throw broken(file ?? "", reading.problems.join(" "));
}

function broken(file: string, message: string): Rejection {
  return new Rejection(message, {
    status: 400,
    field: "file",
    value: file,
    remedy: "docs/rights.md has the language; cairn policy-file sample prints all rules.",
  });
}
