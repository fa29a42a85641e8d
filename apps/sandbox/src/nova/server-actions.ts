import { GiB } from "@cairn/kernel";
import { growImage, imageInfo, runCommand } from "../hosts/qemu-img.ts";
import { type Answer, ApiError, accepted, type Call, type Route, route, sentence } from "../http/answer.ts";
import { isJson, type Json, jsonOf, requiredText, textAt } from "../http/reading.ts";
import type { FlavorRow, ServerRow } from "../state/compute-rows.ts";
import { flavorFor } from "./boot-checks.ts";
import { demandServer } from "./quota.ts";
import { serverAt } from "./server-body.ts";
import { beginReboot, beginStart, beginStop } from "./server-life.ts";
import { demandState, hostOf, patchServer, settle, startOperation } from "./server-state.ts";

type Action = (call: Call, server: ServerRow, asked: Json) => Answer;

const start: Action = (call, server) => {
  demandState(server, "start", ["stopped"]);
  beginStart(call.cloud, server.id);
  return accepted();
};

const stop: Action = (call, server) => {
  demandState(server, "stop", ["active", "error"]);
  beginStop(call.cloud, server.id);
  return accepted();
};

const reboot: Action = (call, server, asked) => {
  const kind = requiredText(asked, "type").toUpperCase();
  if (kind !== "SOFT" && kind !== "HARD")
    throw new ApiError(
      400,
      sentence(
        `Invalid input for field/attribute type. Value: ${kind}. '${kind}' is not one of`,
        "['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']",
      ),
    );
  const hard = ["active", "stopped", "paused", "suspended", "error"] as const;
  demandState(server, "reboot", kind === "SOFT" ? ["active"] : hard);
  beginReboot(call.cloud, server.id, kind);
  return accepted();
};

/** Without a guest that runs, pausing changes only the books. */
const pause: Action = (call, server) => {
  demandState(server, "pause", ["active"]);
  startOperation(call.cloud, server.id, "pausing", async () => {
    settle(call.cloud, server.id, "paused");
    return Promise.resolve();
  });
  return accepted();
};

const unpause: Action = (call, server) => {
  demandState(server, "unpause", ["paused"]);
  startOperation(call.cloud, server.id, "unpausing", async () => {
    settle(call.cloud, server.id, "active");
    return Promise.resolve();
  });
  return accepted();
};

/** Suspending ends the QEMU after its memory was stored; there is none here to store. */
const suspend: Action = (call, server) => {
  demandState(server, "suspend", ["active"]);
  startOperation(call.cloud, server.id, "suspending", async () => {
    await call.cloud.hypervisors.stop(server.id);
    settle(call.cloud, server.id, "suspended");
  });
  return accepted();
};

const resume: Action = (call, server) => {
  demandState(server, "resume", ["suspended"]);
  startOperation(call.cloud, server.id, "resuming", async (row) => {
    await call.cloud.hypervisors.start(hostOf(row), row.id);
    settle(call.cloud, server.id, "active");
  });
  return accepted();
};

function refuseResize(call: Call, server: ServerRow, flavor: FlavorRow): void {
  if (flavor.id === server.flavor.id) throw new ApiError(400, "When resizing, instances must change flavor!");
  const isLocal = server.disks.some((disk) => disk.volume_id === null);
  if (isLocal && flavor.disk < server.flavor.disk)
    throw new ApiError(400, "Resize to zero disk flavor is not allowed.");
  const more = {
    ...flavor,
    vcpus: Math.max(0, flavor.vcpus - server.flavor.vcpus),
    ram: Math.max(0, flavor.ram - server.flavor.ram),
  };
  demandServer(call.cloud, server.project_id, more, 0);
}

/** Resizes on the same host: the QEMU is ended, a local root disk grows, the QEMU starts again. */
const resize: Action = (call, server, asked) => {
  const { cloud } = call;
  demandState(server, "resize", ["active", "stopped"]);
  const flavor = flavorFor(call, requiredText(asked, "flavorRef"));
  refuseResize(call, server, flavor);
  startOperation(cloud, server.id, "resize_prep", async (row) => {
    const wasActive = row.vm_state === "active";
    await cloud.hypervisors.stop(row.id);
    patchServer(cloud, row.id, { task_state: "resize_finish" });
    await growRoot(call, row, flavor);
    if (wasActive) await cloud.hypervisors.start(hostOf(row), row.id);
    settle(cloud, row.id, "resized");
    patchServer(cloud, row.id, { flavor, old_flavor: row.flavor, power_state: wasActive ? 1 : 4 });
  });
  return accepted();
};

async function growRoot(call: Call, server: ServerRow, flavor: FlavorRow): Promise<void> {
  const root = call.cloud.hypervisors
    .domain(hostOf(server), server.id)
    ?.disks.find((disk) => disk.serial === undefined);
  if (root === undefined) return;
  const { virtualBytes } = await imageInfo(root.path, root.format);
  if (flavor.disk * GiB > virtualBytes) await growImage(root, flavor.disk * GiB);
}

const confirmResize: Action = (call, server) => {
  demandState(server, "confirmResize", ["resized"]);
  settle(call.cloud, server.id, server.power_state === 4 ? "stopped" : "active");
  patchServer(call.cloud, server.id, { old_flavor: null });
  return { status: 204 };
};

const revertResize: Action = (call, server) => {
  const { cloud } = call;
  demandState(server, "revertResize", ["resized"]);
  startOperation(cloud, server.id, "resize_reverting", async (row) => {
    const flavor = row.old_flavor ?? row.flavor;
    await cloud.hypervisors.stop(row.id);
    await shrinkRoot(call, row, flavor);
    if (row.power_state === 1) await cloud.hypervisors.start(hostOf(row), row.id);
    settle(cloud, row.id, row.power_state === 1 ? "active" : "stopped");
    patchServer(cloud, row.id, { flavor, old_flavor: null });
  });
  return accepted();
};

async function shrinkRoot(call: Call, server: ServerRow, flavor: FlavorRow): Promise<void> {
  const root = call.cloud.hypervisors
    .domain(hostOf(server), server.id)
    ?.disks.find((disk) => disk.serial === undefined);
  if (root === undefined || flavor.disk === 0 || flavor.disk >= server.flavor.disk) return;
  const bytes = String(flavor.disk * GiB);
  await runCommand("qemu-img", ["resize", "-q", "--shrink", "-f", root.format, root.path, bytes]);
}

const lock: Action = (call, server) => {
  patchServer(call.cloud, server.id, { locked: true });
  return accepted();
};

const unlock: Action = (call, server) => {
  patchServer(call.cloud, server.id, { locked: false });
  return accepted();
};

const resetState: Action = (call, server, asked) => {
  if (!call.actor.isAdmin)
    throw new ApiError(
      403,
      "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.",
    );
  const wanted = textAt(asked, "state");
  if (wanted !== "active" && wanted !== "error")
    throw new ApiError(
      400,
      sentence(
        `Invalid input for field/attribute state. Value: ${String(wanted)}.`,
        `'${String(wanted)}' is not one of ['active', 'error']`,
      ),
    );
  settle(call.cloud, server.id, wanted);
  return accepted();
};

const ACTIONS: Readonly<Record<string, Action>> = {
  "os-start": start,
  "os-stop": stop,
  reboot,
  pause,
  unpause,
  suspend,
  resume,
  resize,
  confirmResize,
  revertResize,
  lock,
  unlock,
  "os-resetState": resetState,
};

/** What a locked server still lets its owner do. */
const WHEN_LOCKED = new Set(["lock", "unlock"]);

function act(call: Call): Answer {
  const body = jsonOf(call.body);
  const name = Object.keys(body)[0] ?? "";
  const action = ACTIONS[name];
  const server = serverAt(call);
  if (action === undefined) throw new ApiError(400, `There is no such action: ${name}`);
  if (server.locked && !call.actor.isAdmin && !WHEN_LOCKED.has(name))
    throw new ApiError(409, `Instance ${server.id} is locked`);
  const asked = body[name];
  return action(call, server, isJson(asked) ? asked : {});
}

/** `POST /servers/{id}/action`. */
export const serverActionRoutes: readonly Route[] = [
  route("POST /servers/:id/action", "os_compute_api:servers:action", "member", act),
];
