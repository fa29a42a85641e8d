import type { ResolvedMapping } from "./recovery-mapping.ts";

/** An instance of a snapshot, as far as a mapping has a say in it. */
export interface MappedInstance {
  readonly id: string;
  readonly name: string;
  readonly zone: string | null;
  readonly flavorName: string;
  readonly volumes: readonly {
    readonly id: string;
    readonly type: string | null;
    readonly zone: string | null;
  }[];
}

/** The part of a selective restore that a mapping decides, in the words of the interface. */
export interface MappedRestore {
  readonly instances: readonly {
    readonly id: string;
    readonly include: true;
    readonly name: string;
    readonly availability_zone?: string;
    readonly flavor?: { readonly id: string };
    readonly vdisks: readonly {
      readonly id: string;
      readonly new_volume_type?: string;
      readonly availability_zone?: string;
    }[];
  }[];
  readonly networks: readonly {
    readonly snapshot_network: { readonly id: string };
    readonly target_network: { readonly id: string; readonly subnet?: { readonly id: string } };
  }[];
}

/**
 * A restore of instances under a mapping that was checked. Addresses are the next free ones: those of another
 * cloud's network would mean nothing here.
 */
export function applyMapping(
  mapping: ResolvedMapping,
  instances: readonly MappedInstance[],
  nameOf: (name: string) => string = (name) => name,
): MappedRestore {
  const zone = (table: Readonly<Record<string, string>>, name: string | null) => {
    const to = name === null ? undefined : (table[name] ?? name);
    return to === undefined || to === "" ? {} : { availability_zone: to };
  };
  return {
    instances: instances.map((instance) => {
      const flavor = mapping.flavors[instance.flavorName] ?? "";
      return {
        id: instance.id,
        include: true,
        name: nameOf(instance.name),
        ...zone(mapping.zones, instance.zone),
        ...(flavor === "" ? {} : { flavor: { id: flavor } }),
        vdisks: instance.volumes.map(({ id, type, zone: volumeZone }) => {
          const to = type === null ? undefined : (mapping.volumeTypes[type] ?? type);
          return {
            id,
            ...(to === undefined ? {} : { new_volume_type: to }),
            ...zone(mapping.volumeZones, volumeZone),
          };
        }),
      };
    }),
    networks: mapping.networks.map(({ from, network, subnet }) => ({
      snapshot_network: { id: from },
      target_network: {
        id: network,
        ...(subnet === undefined ? {} : { subnet: { id: subnet } }),
      },
    })),
  };
}
