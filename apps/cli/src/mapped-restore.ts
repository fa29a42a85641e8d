import type { RestoreOptions, SnapshotDetail } from "@cairn/contract";
import { applyMapping, checkMapping, type RecoveryMapping, unionOfNeeds } from "@cairn/domain";
import { needsOfDetail, readCloudFacts, textOf, zoneOf } from "./cloud-facts.ts";
import { findWorkload, listSnapshots, listWorkloads } from "./lookup.ts";
import { refuseProblems } from "./mapping-file.ts";
import type { Session } from "./session.ts";
import type { Shell } from "./shell.ts";

/** A workload with the snapshot that it is restored from. */
export interface Restorable {
  readonly workloadId: string;
  readonly workloadName: string;
  /** The newest that is available; undefined when there is none. */
  readonly snapshot: SnapshotDetail | undefined;
}

/** The chosen workloads of the project, or all, each with its newest snapshot. */
export async function restorables({ api }: Session, chosen: readonly string[]): Promise<Restorable[]> {
  const all = await listWorkloads(api);
  const ids: string[] = [];
  for (const wanted of chosen) ids.push(await findWorkload(api, wanted));
  const workloads = chosen.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
  const found: Restorable[] = [];
  for (const { id, name } of workloads) {
    const snapshots = await listSnapshots(api, { workload_id: id });
    // Imported ones keep the time at which they were asked for: newest first, as all lists are.
    const newest = snapshots.find(({ status }) => status === "available");
    const shown =
      newest === undefined ? undefined : await api.showSnapshot({ params: { snapshot_id: newest.id } });
    found.push({ workloadId: id, workloadName: name, snapshot: shown?.snapshot });
  }
  return found;
}

/** Checks a mapping against what these snapshots need and this project has. */
export async function resolvedMapping(
  shell: Shell,
  { cloud }: Session,
  { mapping, restorable }: { readonly mapping: RecoveryMapping; readonly restorable: readonly Restorable[] },
): Promise<RecoveryMapping> {
  const facts = await readCloudFacts(cloud, { withOwners: false }, shell.signal);
  const needs = unionOfNeeds(
    restorable.flatMap(({ snapshot }) => (snapshot === undefined ? [] : [needsOfDetail(snapshot)])),
  );
  // Networks of other projects' workloads are not this project's to have.
  const wanted = new Set(needs.networks.map(({ id }) => id));
  const own = { ...mapping, networks: mapping.networks.filter(({ from }) => wanted.has(from)) };
  const { resolved, problems } = checkMapping(own, needs, facts);
  refuseProblems(problems);
  return resolved;
}

/** The options of a selective restore of all instances of a snapshot under a mapping. */
export function mappedOptions(
  mapping: RecoveryMapping,
  snapshot: SnapshotDetail,
  { name, prefix }: { readonly name: string; readonly prefix: string },
): RestoreOptions {
  const { instances, networks } = applyMapping(
    mapping,
    snapshot.instances.map(({ id, name: instance, metadata, flavor, vdisks }) => ({
      id,
      name: instance,
      zone: zoneOf(metadata)?.[0] ?? null,
      flavorName: textOf(flavor["name"]),
      volumes: vdisks.flatMap(({ volume_id: volume, volume_type: type, availability_zone: zone }) =>
        volume === undefined ? [] : [{ id: volume, type: type ?? null, zone: zone ?? null }],
      ),
    })),
    (instance) => `${prefix}${instance}`,
  );
  return {
    name,
    type: "openstack",
    restore_type: "selective",
    oneclickrestore: false,
    openstack: {
      instances: instances.map((each) => ({ ...each, vdisks: each.vdisks.map((disk) => ({ ...disk })) })),
      restore_topology: false,
      networks_mapping: { networks: networks.map((each) => ({ ...each })) },
    },
  };
}
