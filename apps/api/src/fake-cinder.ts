/** As much of Cinder as the API asks. */
export interface FakeCinder {
  /** Names, in Cinder's order. */
  readonly volumeTypes: string[];
  readonly volumes: Map<string, FakeVolume>;
}

export interface FakeVolume {
  readonly projectId: string;
  readonly sizeGiB: number;
  readonly isEncrypted?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The body of an answer, or `undefined` for what is not there. `path` begins after `v3`, with the project
 * unless versions are asked for.
 */
export function answerCinder(cinder: FakeCinder, path: readonly string[]): unknown {
  const [project, collection, id] = path;
  if (project === undefined) {
    return { versions: [{ id: "v3.0", min_version: "3.0", version: "3.70", status: "CURRENT", links: [] }] };
  }
  if (collection === "types" && id === undefined) {
    return {
      volume_types: cinder.volumeTypes.map((name) => ({ id: `type-${name}`, name, extra_specs: {} })),
    };
  }
  const volume = collection === "volumes" ? cinder.volumes.get(id ?? "") : undefined;
  return volume === undefined ? undefined : { volume: volumeBody(id ?? "", volume) };
}

function volumeBody(id: string, volume: FakeVolume): unknown {
  return {
    id,
    name: `volume ${id}`,
    description: null,
    status: "in-use",
    size: volume.sizeGiB,
    volume_type: "fast",
    availability_zone: "nova",
    bootable: "false",
    encrypted: volume.isEncrypted ?? false,
    multiattach: false,
    metadata: volume.metadata ?? {},
    attachments: [],
    snapshot_id: null,
    source_volid: null,
    "os-vol-tenant-attr:tenant_id": volume.projectId,
    created_at: "2026-01-01T00:00:00.000000",
  };
}
