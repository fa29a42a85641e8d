import type { Handlers } from "../server.ts";
import type { World } from "../world.ts";
import { admissionHandlers } from "./admissions.ts";
import { auditHandlers } from "./audit.ts";
import { deliveryHandlers } from "./deliveries.ts";
import { emailHandlers } from "./email.ts";
import { fileHandlers } from "./files.ts";
import { mountHandlers } from "./mounts.ts";
import { nodeHandlers } from "./nodes.ts";
import { ownershipHandlers } from "./ownership.ts";
import { planningHandlers } from "./planning.ts";
import { policyHandlers } from "./policies.ts";
import { protectionHandlers } from "./protections.ts";
import { quotaHandlers } from "./quotas.ts";
import { restoreHandlers } from "./restores.ts";
import { scheduleHandlers } from "./schedules.ts";
import { serviceHandlers } from "./service.ts";
import { settingHandlers } from "./settings.ts";
import { snapshotHandlers } from "./snapshots.ts";
import { targetTypeHandlers } from "./target-types.ts";
import { targetHandlers } from "./targets.ts";
import { trustHandlers } from "./trusts.ts";
import { usageHandlers } from "./usage.ts";
import { webhookHandlers } from "./webhooks.ts";
import { workloadHandlers } from "./workloads.ts";

/** The handler of every route of the contract. */
export function handlersFor(world: World): Handlers {
  return {
    ...serviceHandlers(),
    ...workloadHandlers(world),
    ...auditHandlers(world),
    ...fileHandlers(world),
    ...nodeHandlers(world),
    ...usageHandlers(world),
    ...scheduleHandlers(world),
    ...trustHandlers(world),
    ...settingHandlers(world),
    ...emailHandlers(world),
    ...webhookHandlers(world),
    ...deliveryHandlers(world),
    ...planningHandlers(world),
    ...protectionHandlers(world),
    ...admissionHandlers(world),
    ...targetHandlers(world),
    ...targetTypeHandlers(world),
    ...policyHandlers(world),
    ...quotaHandlers(world),
    ...ownershipHandlers(world),
    ...snapshotHandlers(world),
    ...mountHandlers(world),
    ...restoreHandlers(world),
  };
}
