import { administrationCommands } from "./administration.ts";
import type { Command } from "./command.ts";
import { fileCommands } from "./files.ts";
import { mountCommands } from "./mounts.ts";
import { ownershipCommands } from "./ownership.ts";
import { policyCommands } from "./policies.ts";
import { quotaCommands } from "./quotas.ts";
import { schedulingCommands } from "./scheduling.ts";
import { settingCommands } from "./settings.ts";
import { restoreCommands, snapshotCommands } from "./snapshots.ts";
import { backupTargetCommands } from "./targets.ts";
import { workloadCommands } from "./workloads.ts";

/** Every command of workloadmgr, in the order of its help. */
export const COMMANDS: readonly Command[] = [
  ...workloadCommands,
  ...snapshotCommands,
  ...restoreCommands,
  ...fileCommands,
  ...mountCommands,
  ...schedulingCommands,
  ...policyCommands,
  ...quotaCommands,
  ...settingCommands,
  ...backupTargetCommands,
  ...ownershipCommands,
  ...administrationCommands,
];
