import { newId } from "@cairn/kernel";
import { type Answer, ApiError, accepted, type Call, ok, param, type Route, route } from "../http/answer.ts";
import { pageLinks, pageOf } from "../http/paging.ts";
import { booleanAt, enveloped, numberAt, recordAt, requiredText, textAt } from "../http/reading.ts";
import type { FlavorRow } from "../state/compute-rows.ts";
import { knowsQuery } from "./query.ts";

export function flavorLinks(call: Call, id: string): object[] {
  const base = call.cloud.baseUrl();
  return [
    { rel: "self", href: `${base}/compute/v2.1/flavors/${id}` },
    { rel: "bookmark", href: `${base}/compute/flavors/${id}` },
  ];
}

function flavorBody(call: Call, row: FlavorRow): object {
  return {
    id: row.id,
    name: row.name,
    ram: row.ram,
    disk: row.disk,
    swap: row.swap === 0 && call.minor < 75 ? "" : row.swap,
    "OS-FLV-EXT-DATA:ephemeral": row.ephemeral,
    "OS-FLV-DISABLED:disabled": false,
    vcpus: row.vcpus,
    "os-flavor-access:is_public": row.is_public,
    rxtx_factor: 1,
    links: flavorLinks(call, row.id),
    ...(call.minor >= 55 ? { description: row.description } : {}),
    ...(call.minor >= 61 ? { extra_specs: row.extra_specs } : {}),
  };
}

export const noFlavor = (id: string): ApiError => new ApiError(404, `Flavor ${id} could not be found.`);

function isVisible(call: Call, row: FlavorRow): boolean {
  return row.is_public || call.actor.isAdmin || row.project_ids?.includes(call.actor.projectId) === true;
}

function flavorAt(call: Call): FlavorRow {
  const id = param(call, "id");
  const row = call.cloud.state.flavors.find(id);
  if (row === undefined || !isVisible(call, row)) throw noFlavor(id);
  return row;
}

const FLAVOR_QUERY = ["is_public", "limit", "marker", "minDisk", "minRam", "sort_dir", "sort_key"];

function list(body: (call: Call, row: FlavorRow) => object): (call: Call) => Answer {
  return (call) => {
    knowsQuery(call, FLAVOR_QUERY);
    const minRam = Number(call.query.get("minRam") ?? 0);
    const minDisk = Number(call.query.get("minDisk") ?? 0);
    const rows = call.cloud.state.flavors
      .where((row) => isVisible(call, row))
      .filter((row) => row.ram >= minRam && row.disk >= minDisk);
    const { rows: page, next } = pageOf(rows, call.query);
    const address = `${call.cloud.baseUrl()}${call.url.split("?")[0] ?? ""}`;
    return ok({ flavors: page.map((row) => body(call, row)), ...pageLinks("flavors", address, next) });
  };
}

const summary = (call: Call, row: FlavorRow): object => ({
  id: row.id,
  name: row.name,
  links: flavorLinks(call, row.id),
  ...(call.minor >= 55 ? { description: row.description } : {}),
});

function create(call: Call): Answer {
  const { flavors } = call.cloud.state;
  const asked = enveloped(call.body, "flavor");
  const wantedId = typeof asked["id"] === "number" ? String(asked["id"]) : (textAt(asked, "id") ?? "auto");
  const id = wantedId === "auto" ? newId() : wantedId;
  const name = requiredText(asked, "name");
  if (flavors.where((row) => row.name === name).length > 0)
    throw new ApiError(409, `Flavor with name ${name} already exists.`);
  if (flavors.find(id) !== undefined) throw new ApiError(409, `Flavor with ID ${id} already exists.`);
  const row = flavors.put({
    id,
    name,
    vcpus: numberAt(asked, "vcpus") ?? 1,
    ram: numberAt(asked, "ram") ?? 64,
    disk: numberAt(asked, "disk") ?? 0,
    ephemeral: numberAt(asked, "OS-FLV-EXT-DATA:ephemeral") ?? 0,
    swap: numberAt(asked, "swap") ?? 0,
    is_public: booleanAt(asked, "os-flavor-access:is_public") ?? true,
    description: textAt(asked, "description") ?? null,
    extra_specs: {},
  });
  return ok({ flavor: flavorBody(call, row) });
}

function remove(call: Call): Answer {
  call.cloud.state.flavors.remove(flavorAt(call).id);
  return accepted();
}

/** `addTenantAccess`, the only action of a flavor that is known here. */
function act(call: Call): Answer {
  const row = flavorAt(call);
  const project = requiredText(enveloped(call.body, "addTenantAccess"), "tenant");
  if (row.is_public) throw new ApiError(409, "Can not add access to a public flavor.");
  const known = row.project_ids ?? [];
  if (known.includes(project))
    throw new ApiError(
      409,
      `Flavor access already exists for flavor ${row.id} and project ${project} combination.`,
    );
  const project_ids = [...known, project];
  call.cloud.state.flavors.patch(row.id, { project_ids });
  return ok({ flavor_access: project_ids.map((tenant_id) => ({ flavor_id: row.id, tenant_id })) });
}

function addSpecs(call: Call): Answer {
  const row = flavorAt(call);
  const extra_specs = recordAt({ extra_specs: enveloped(call.body, "extra_specs") }, "extra_specs") ?? {};
  call.cloud.state.flavors.patch(row.id, { extra_specs: { ...row.extra_specs, ...extra_specs } });
  return ok({ extra_specs });
}

function removeSpec(call: Call): Answer {
  const row = flavorAt(call);
  const key = param(call, "key");
  if (!(key in row.extra_specs))
    throw new ApiError(404, `Flavor ${row.id} has no extra specs with key ${key}.`);
  const { [key]: _removed, ...extra_specs } = row.extra_specs;
  call.cloud.state.flavors.patch(row.id, { extra_specs });
  return { status: 200 };
}

export const flavorRoutes: readonly Route[] = [
  route("GET /flavors", "os_compute_api:flavors", "reader", list(summary)),
  route("GET /flavors/detail", "os_compute_api:flavors", "reader", list(flavorBody)),
  route("POST /flavors", "os_compute_api:os-flavor-manage:create", "admin", create),
  route("GET /flavors/:id", "os_compute_api:flavors", "reader", (call) =>
    ok({ flavor: flavorBody(call, flavorAt(call)) }),
  ),
  route("DELETE /flavors/:id", "os_compute_api:os-flavor-manage:delete", "admin", remove),
  route("POST /flavors/:id/action", "os_compute_api:os-flavor-access:add_tenant_access", "admin", act),
  route("GET /flavors/:id/os-extra_specs", "os_compute_api:os-flavor-extra-specs:index", "reader", (call) =>
    ok({ extra_specs: flavorAt(call).extra_specs }),
  ),
  route("POST /flavors/:id/os-extra_specs", "os_compute_api:os-flavor-extra-specs:create", "admin", addSpecs),
  route(
    "DELETE /flavors/:id/os-extra_specs/:key",
    "os_compute_api:os-flavor-extra-specs:delete",
    "admin",
    removeSpec,
  ),
];
