import { type Answer, ApiError, type Call, noContent, ok, param, type Route, route } from "../http/answer.ts";
import { type Json, jsonOf, numberAt, textAt } from "../http/reading.ts";
import { returnHost, vanishHost } from "../nova/server-life.ts";
import { DEFAULT_LIMITS } from "../state/quota.ts";
import { instanceAt } from "./disks.ts";

function addFault(call: Call): Answer {
  const json: Json = jsonOf(call.body);
  return { status: 201, body: { id: call.cloud.faults.add(json) } };
}

function removeFaults(call: Call): Answer {
  const { id } = call.params;
  if (id === undefined) call.cloud.faults.clear();
  else call.cloud.faults.remove(id);
  return noContent;
}

async function killQemu(call: Call): Promise<Answer> {
  const { id } = instanceAt(call);
  if (!call.cloud.hypervisors.isRunning(id)) throw new ApiError(409, `instance ${id} does not run`);
  await call.cloud.hypervisors.kill(id, false);
  return noContent;
}

function hostAt(call: Call): string {
  const name = param(call, "host");
  if (call.cloud.state.hosts.find(name) === undefined) throw new ApiError(404, `no host ${name}`);
  return name;
}

async function vanish(call: Call): Promise<Answer> {
  await vanishHost(call.cloud, hostAt(call));
  return noContent;
}

async function comeBack(call: Call): Promise<Answer> {
  await returnHost(call.cloud, hostAt(call));
  return noContent;
}

function setClock(call: Call): Answer {
  const ms = numberAt(jsonOf(call.body), "transition_ms");
  if (ms === undefined || ms < 0) throw new ApiError(400, "transition_ms must be a whole number, 0 or more");
  call.cloud.settings.transitionMs = ms;
  return ok({ transition_ms: ms });
}

function setQuotas(call: Call): Answer {
  const id = param(call, "project");
  const { quotas } = call.cloud.state;
  const asked = jsonOf(call.body);
  const unknown = Object.keys(asked).find((key) => !(key in DEFAULT_LIMITS));
  if (unknown !== undefined) throw new ApiError(400, `no resource ${unknown}`);
  const limits = Object.keys(asked).map((key) => [key, numberAt(asked, key) ?? -1] as const);
  return ok(quotas.put({ id, limits: { ...quotas.find(id)?.limits, ...Object.fromEntries(limits) } }));
}

/** What a host has, and what the share has. */
function setHostCapacity(call: Call): Answer {
  const asked = jsonOf(call.body);
  const row = call.cloud.state.hosts.get(hostAt(call));
  const sizes = { vcpus: row.vcpus, memory_mb: row.memory_mb, local_gb: row.local_gb };
  const wanted = Object.keys(sizes).map((key) => [key, numberAt(asked, key)] as const);
  const given = Object.fromEntries(wanted.filter(([, value]) => value !== undefined));
  return ok(call.cloud.state.hosts.patch(row.id, { ...sizes, ...given }));
}

function setStorage(call: Call): Answer {
  const gib = numberAt(jsonOf(call.body), "total_gib");
  if (gib === undefined || gib < 0) throw new ApiError(400, "total_gib must be a whole number, 0 or more");
  call.cloud.settings.storageGiB = gib;
  return ok({ total_gib: gib });
}

/** A user's tokens are worthless from now on, as after their time. */
function expireTokens(call: Call): Answer {
  const { tokens, users } = call.cloud.state;
  const name = textAt(jsonOf(call.body), "user");
  const user = users.all().find((each) => each.name === name);
  if (user === undefined) throw new ApiError(404, `no user ${name ?? ""}`);
  for (const token of tokens.where((each) => each.user_id === user.id)) tokens.remove(token.id);
  return noContent;
}

/** Making things go wrong. */
export const disturbanceHooks: readonly Route[] = [
  route("GET /faults", "", "open", (call) => ok({ faults: call.cloud.faults.list() })),
  route("POST /faults", "", "open", addFault),
  route("DELETE /faults", "", "open", removeFaults),
  route("DELETE /faults/:id", "", "open", removeFaults),
  route("POST /instances/:id/kill-qemu", "", "open", killQemu),
  route("POST /hosts/:host/vanish", "", "open", vanish),
  route("POST /hosts/:host/return", "", "open", comeBack),
  route("PUT /hosts/:host/capacity", "", "open", setHostCapacity),
  route("PUT /storage", "", "open", setStorage),
  route("POST /tokens/expire", "", "open", expireTokens),
  route("PUT /clock", "", "open", setClock),
  route("PUT /quotas/:project", "", "open", setQuotas),
];
