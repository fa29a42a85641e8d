import type { Policy } from "@cairn/contract";
import { Rejection } from "@cairn/kernel";
import { Command } from "commander";
import { allOf, findPolicy, findProject } from "../lookup.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, pairOf, usage, withCommonFlags } from "./context.ts";
import { type FieldFlags, fieldsOf, withPolicyFields } from "./policy-fields.ts";
import { examples } from "./workload.ts";

const LIST_COLUMNS = ["id", "name", "decides", "projects"];
const FIELDS = ["id", "name", "description", "decides", "projects", "created_at", "updated_at"];
const ASSIGNED_COLUMNS = ["policy_id", "policy_name", "created_at"];

/** `cairn policy …`: schedules and retention that operators publish. */
export function policyCommand(shell: Shell): Command {
  const policy = new Command("policy").description("schedules and retention that operators publish");
  addReading(policy, shell);
  addCreation(policy, shell);
  addChanging(policy, shell);
  addAssignment(policy, shell);
  return policy;
}

function addReading(policy: Command, shell: Shell): void {
  withCommonFlags(policy.command("list"))
    .description("list the policies that the project may choose; for administrators all")
    .addHelpText("after", examples("cairn policy list", "cairn policy list -f json"))
    .action(async (flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const rows = await allOf(async (query) => (await api.listPolicies({ query })).policy_list);
      await context.printList(rows.map(itemOf), LIST_COLUMNS);
    });
  withCommonFlags(policy.command("show"))
    .description("show a policy")
    .argument("<policy>", "name or id")
    .addHelpText("after", examples("cairn policy show gold"))
    .action(async (wanted: string, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const { policy: shown } = await api.showPolicy({
        params: { policy_id: await findPolicy(api, wanted) },
      });
      await context.printItem(itemOf(shown), FIELDS);
    });
  withCommonFlags(policy.command("assigned"))
    .description("list the policies among which a project chooses")
    .argument("[project]", "id, or for administrators name; the own one unless given")
    .addHelpText("after", examples("cairn policy assigned", "cairn policy assigned shop"))
    .action(async (wanted: string | undefined, flags: object) => {
      const context = contextOf(shell, { ...flags });
      const { api, cloud } = await context.session();
      const project = await findProject(cloud, wanted);
      const { policies } = await api.listAssignedPolicies({ params: { assigned_project_id: project } });
      await context.printList(policies, ASSIGNED_COLUMNS);
    });
}

function addCreation(policy: Command, shell: Shell): void {
  withPolicyFields(withCommonFlags(policy.command("create")))
    .description("make a policy; nobody can choose it before it is assigned; for administrators")
    .argument("<name>", "name of the new policy")
    .option("--description <text>", "what it is for")
    .option("--metadata <key=value>", "may be repeated", collected, [])
    .addHelpText(
      "after",
      examples(
        "cairn policy create silver --field interval=24hrs --field fullbackup_interval=7 " +
          "--field 'retention_policy_type=Number of Snapshots to Keep' --field retention_policy_value=14",
        "cairn policy create gold --hourly interval=6 --hourly retention=8 " +
          "--daily backup_time=01:00,13:00 --daily retention=7",
      ),
    )
    .action(async (name: string, flags: PolicyFlags) => {
      const context = contextOf(shell, { ...flags });
      const field_values = fieldsOf(flags);
      if (field_values === undefined) {
        throw usage(
          "The policy decides nothing.",
          "--field",
          null,
          "Give --field, or --hourly and other tiers.",
        );
      }
      const { api } = await context.session();
      const { policy: made } = await api.createPolicy({
        body: { workload_policy: { display_name: name, field_values, ...saidOf(flags) } },
      });
      await context.printItem(itemOf(made), FIELDS);
    });
}

interface PolicyFlags extends FieldFlags {
  readonly name?: string;
  readonly description?: string;
  readonly metadata: readonly string[];
}

function saidOf({ description, metadata }: PolicyFlags) {
  const pairs = Object.fromEntries(metadata.map((part) => pairOf("--metadata", part)));
  return {
    ...(description === undefined ? {} : { display_description: description }),
    ...(metadata.length === 0 ? {} : { metadata: pairs }),
  };
}

function addChanging(policy: Command, shell: Shell): void {
  withPolicyFields(withCommonFlags(policy.command("update")))
    .description("change a policy that no workload follows; what is not named stays; for administrators")
    .argument("<policy>", "name or id")
    .option("--name <name>", "new name")
    .option("--description <text>", "new description")
    .option("--metadata <key=value>", "the new metadata; may be repeated", collected, [])
    .addHelpText("after", examples("cairn policy update gold --field interval=12hrs"))
    .action(async (wanted: string, flags: PolicyFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const field_values = fieldsOf(flags);
      const { policy: changed } = await api.updatePolicy({
        params: { policy_id: await findPolicy(api, wanted) },
        body: {
          policy: {
            ...(flags.name === undefined ? {} : { display_name: flags.name }),
            ...(field_values === undefined ? {} : { field_values }),
            ...saidOf(flags),
          },
        },
      });
      await context.printItem(itemOf(changed), FIELDS);
    });
  withCommonFlags(policy.command("delete"))
    .description("delete a policy that no workload follows and no project may choose; for administrators")
    .argument("<policy>", "name or id")
    .addHelpText("after", examples("cairn policy delete gold"))
    .action(async (wanted: string, flags: object) => {
      const { api } = await contextOf(shell, { ...flags }).session();
      await api.deletePolicy({ params: { policy_id: await findPolicy(api, wanted) } });
    });
}

function addAssignment(policy: Command, shell: Shell): void {
  withCommonFlags(policy.command("assign"))
    .description("give a policy to projects, which then must choose one, or take it; for administrators")
    .argument("<policy>", "name or id")
    .option("--add-project <project>", "name or id; may be repeated", collected, [])
    .option("--remove-project <project>", "name or id; may be repeated", collected, [])
    .addHelpText("after", examples("cairn policy assign gold --add-project shop --remove-project test"))
    .action(async (wanted: string, flags: AssignmentFlags) => {
      const context = contextOf(shell, { ...flags });
      if (flags.addProject.length + flags.removeProject.length === 0) {
        const remedy = "Give --add-project or --remove-project.";
        throw usage("No project is named.", "--add-project", null, remedy);
      }
      const { api, cloud } = await context.session();
      const idsOf = async (names: readonly string[]) =>
        Promise.all(names.map(async (name) => findProject(cloud, name)));
      const { policy: changed, failed_ids } = await api.assignPolicy({
        params: { policy_id: await findPolicy(api, wanted) },
        body: {
          policy: {
            add_projects: await idsOf(flags.addProject),
            remove_projects: await idsOf(flags.removeProject),
          },
        },
      });
      await context.printItem(itemOf(changed), FIELDS);
      if (failed_ids.length > 0) {
        const remedy = "All others are done; `openstack project list` shows what there is.";
        throw new Rejection(`Keystone knows no project ${failed_ids.join(", ")}.`, { status: 404, remedy });
      }
    });
}

interface AssignmentFlags {
  readonly addProject: readonly string[];
  readonly removeProject: readonly string[];
}

/** With what it decides, and for whom, as one value each. */
function itemOf(policy: Policy) {
  const decides = Object.fromEntries(
    policy.field_values.map(({ policy_field_name: name, value }) => [name, value]),
  );
  return { ...policy, decides, projects: policy.policy_assignments.map(({ project_id: id }) => id) };
}
