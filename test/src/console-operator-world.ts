import { apiOf, type Tree } from "./tree.ts";

/** The operator pages, by the end of their addresses. */
export const OPERATOR_ROOMS = [
  "status",
  "workloads",
  "nodes",
  "targets",
  "policies",
  "schedules",
  "simulator",
  "mail",
  "webhooks",
  "audit",
  "usage",
  "quotas",
  "orphans",
  "about",
] as const;

/** What operators make, as their pages show it: a policy that somebody has, a limit, a node that is out. */
export async function makeOperatorWorld(tree: Tree): Promise<void> {
  const admin = tree.embedded.cloud("admin", "admin");
  const root = await apiOf(tree.embedded, admin);
  const projectId = await tree.cloud.projectId();
  const { policy } = await root.createPolicy({
    body: {
      workload_policy: {
        display_name: "gold",
        display_description: "For what the business lives on",
        field_values: { interval: "6hrs", fullbackup_interval: "28", retention_policy_value: "90" },
      },
    },
  });
  const assignment = { policy: { add_projects: [projectId] } };
  await root.assignPolicy({ params: { policy_id: policy.id }, body: assignment });
  await root.createAdmissionRule({ body: { rule: { kind: "cap", scope: "host", max: 2 } } });
  await root.createWebhook({
    body: { webhook: { name: "chat", url: "https://chat.example.org/hooks/backup", all_projects: true } },
  });
  const { nodes } = await root.listNodes({});
  const mover = nodes.find(({ service }) => service === "cairn-datamover");
  if (mover === undefined) throw new Error("there is no datamover");
  const { node: node_name, service } = mover;
  await root.updateService({ body: { node_name, service, status: 1, reason: "new disks until Friday" } });
}
