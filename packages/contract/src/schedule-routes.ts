import { Type } from "typebox";
import type { Route } from "./route.ts";
import { WireId } from "./shapes.ts";

const none = Type.Object({});
const workloadParams = Type.Object({ workload_id: WireId });
const schedulerReply = Type.Object({ global_job_scheduler: Type.Boolean() });

/** The operations on schedules: of one workload, and the switch above all. */
export const scheduleRoutes = {
  pauseWorkload: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/{workload_id}/pause"],
    params: workloadParams,
    query: none,
    status: 200,
    action: "workload:workload_pause",
    effect: "change",
    summary: "Switch a workload's schedule off; what it says stays",
  },
  resumeWorkload: {
    scope: "project",
    methods: ["POST"],
    paths: ["/workloads/{workload_id}/resume"],
    params: workloadParams,
    query: none,
    status: 200,
    action: "workload:workload_resume",
    effect: "change",
    summary: "Switch a workload's schedule on again",
  },
  showGlobalJobScheduler: {
    scope: "project",
    methods: ["GET"],
    paths: ["/global_job_scheduler"],
    params: none,
    query: none,
    reply: schedulerReply,
    status: 200,
    action: "workload:workload_get_global_job_scheduler",
    effect: "read",
    summary: "Whether any schedule of this cloud starts snapshots",
  },
  enableGlobalJobScheduler: {
    scope: "project",
    methods: ["POST"],
    paths: ["/global_job_scheduler/enable"],
    params: none,
    query: none,
    reply: schedulerReply,
    status: 200,
    action: "workload:workload_enable_global_job_scheduler",
    effect: "administer",
    summary: "Let schedules start snapshots",
  },
  disableGlobalJobScheduler: {
    scope: "project",
    methods: ["POST"],
    paths: ["/global_job_scheduler/disable"],
    params: none,
    query: none,
    reply: schedulerReply,
    status: 200,
    action: "workload:workload_disable_global_job_scheduler",
    effect: "administer",
    summary: "Start no scheduled snapshots in the whole cloud; those taken by hand go on",
  },
} as const satisfies Record<string, Route>;
