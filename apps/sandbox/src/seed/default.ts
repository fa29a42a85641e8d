import type { VolumeTypeRow } from "../state/storage-rows.ts";

/**
 * What a sandbox holds at first. Also the shape of the file that `--sandbox-seed` names; every part
 * may be left out.
 */
export interface Seed {
  readonly region: string;
  readonly projects: readonly { readonly id?: string; readonly name: string }[];
  readonly users: readonly {
    readonly id?: string;
    readonly name: string;
    /** `<name>-secret` when absent. */
    readonly password?: string;
    /** Roles by project; `system` for the system. */
    readonly roles: Readonly<Record<string, readonly string[]>>;
    /** Comes from an identity provider, and can make application credentials but no trusts. */
    readonly federated?: boolean;
  }[];
  readonly flavors: readonly {
    readonly id: string;
    readonly name: string;
    readonly vcpus: number;
    readonly ram: number;
    readonly disk: number;
  }[];
  readonly networks: readonly {
    readonly name: string;
    readonly project: string;
    readonly cidr: string;
    readonly external?: boolean;
    readonly shared?: boolean;
    /** Name of an external network: makes a router between the two. */
    readonly router?: string;
  }[];
  readonly volumeTypes: readonly {
    readonly name: string;
    readonly format: "qcow2" | "raw";
    /** Of Cinder: `nfs` when absent. */
    readonly backend?: VolumeTypeRow["backend"];
    readonly encrypted?: boolean;
  }[];
  readonly quotas: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly hosts: readonly {
    readonly name: string;
    readonly zone: string;
    readonly imagesType: "qcow2" | "raw";
  }[];
  /** Instances that are shut off and have no disk, to measure with; none when left out. */
  readonly paperInstances?: readonly {
    readonly project: string;
    readonly user: string;
    readonly count: number;
  }[];
}

export const defaultSeed: Seed = {
  region: "RegionOne",
  projects: [{ name: "admin" }, { name: "service" }, { name: "demo" }, { name: "other" }],
  users: [
    { name: "admin", roles: { admin: ["admin"], system: ["admin"] } },
    { name: "cairn", roles: { service: ["admin"] } },
    { name: "demo", roles: { demo: ["member", "reader"] } },
    { name: "reader", roles: { demo: ["reader"] } },
    { name: "guest", roles: { demo: ["member", "reader"] }, federated: true },
    { name: "other", roles: { other: ["member", "reader"] } },
  ],
  flavors: [
    { id: "42", name: "m1.nano", vcpus: 1, ram: 64, disk: 0 },
    { id: "84", name: "m1.micro", vcpus: 1, ram: 128, disk: 0 },
    { id: "1", name: "m1.tiny", vcpus: 1, ram: 512, disk: 1 },
    { id: "2", name: "m1.small", vcpus: 1, ram: 2048, disk: 20 },
  ],
  networks: [
    { name: "public", project: "admin", cidr: "172.24.4.0/24", external: true },
    { name: "private", project: "demo", cidr: "10.10.0.0/24", router: "public" },
    { name: "second", project: "demo", cidr: "10.20.0.0/24" },
    { name: "other-net", project: "other", cidr: "10.30.0.0/24" },
  ],
  volumeTypes: [
    { name: "nfs-qcow2", format: "qcow2" },
    { name: "nfs-raw", format: "raw" },
    { name: "local-raw", format: "raw", backend: "local" },
  ],
  quotas: {},
  hosts: [
    { name: "compute1", zone: "az1", imagesType: "qcow2" },
    { name: "compute2", zone: "az2", imagesType: "raw" },
  ],
};
