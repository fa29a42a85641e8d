import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Cloud, everyTimeTask, onceTask } from "./cloud.ts";
import { volumeTypesOf } from "./config/cinder.ts";
import { SERVICE_USERS } from "./config/sections.ts";
import { makeFolders } from "./disk.ts";
import { PYTHON, PYTHON_FOLDER, servicesOf } from "./services.ts";
import { NETWORKS, REGION, type Settings, urlOf } from "./settings.ts";
import type { Task } from "./task.ts";

const GUEST_FOLDER = join(import.meta.dirname, "../guest");

/** Name of the flavor, MiB of memory, GiB of disk. */
const FLAVORS: readonly (readonly [name: string, ramMb: number, diskGb: number])[] = [
  ["t1", 256, 0],
  ["t1.disk", 256, 1],
  ["t2.disk", 384, 2],
];

export function guestImage({ layout }: Pick<Settings, "layout">): string {
  return join(layout.guest, "guest.qcow2");
}

/** Users and endpoints, the guest's image, and what a tenant finds: flavors, networks, volume types. */
export function contentsTasks(cloud: Cloud): Task[] {
  const { settings } = cloud;
  const sinceMs = cloud.clock.now();
  const python = (program: string): string[] => [PYTHON, join(PYTHON_FOLDER, program)];
  return [
    onceTask(cloud, { name: "identities", after: ["keystone"] }, async (run) => {
      await run(python("identities.py"), { input: JSON.stringify(identitiesOf(settings)) });
    }),
    everyTimeTask(cloud, { name: "guest-image", after: [] }, async (run) => {
      const image = guestImage(settings);
      if (existsSync(image)) return "already";
      makeFolders([settings.layout.guest]);
      // Nothing waits for it but the end; most of it is waiting for the mirror.
      const build = ["nice", "-n", "5", "bash", join(GUEST_FOLDER, "build.sh"), settings.layout.guest, image];
      await run(build, { environment: cloud.proxies });
      return "done";
    }),
    everyTimeTask(cloud, { name: "contents", after: behindContents(settings) }, async (run, signal) => {
      if (existsSync(settings.layout.readyFile)) return "already";
      const done = new AbortController();
      const input = JSON.stringify(contentsOf(settings, sinceMs));
      try {
        // Some services end a while after their start when they miss something: their log says more.
        await Promise.race([
          run(python("contents.py"), { input }),
          cloud.supervisor.watch(servicesOf(settings), AbortSignal.any([signal, done.signal])),
        ]);
      } finally {
        done.abort();
      }
      return "done";
    }),
  ];
}

function behindContents(settings: Settings): string[] {
  return [...servicesOf(settings).map(({ name }) => name), "guest-image"];
}

function identitiesOf(settings: Settings): object {
  const { secrets } = settings;
  const volume = urlOf("cinder", "/v3/%(project_id)s");
  return {
    auth_url: urlOf("keystone", "/v3"),
    region: REGION,
    admin_password: secrets.adminPassword,
    demo_password: secrets.demoPassword,
    service_password: secrets.servicePassword,
    service_users: SERVICE_USERS,
    services: [
      ["glance", "image", urlOf("glance")],
      ["placement", "placement", urlOf("placement")],
      ["nova", "compute", urlOf("nova", "/v2.1")],
      ["neutron", "network", urlOf("neutron")],
      ["cinderv3", "volumev3", volume],
      ["cinder", "block-storage", volume],
    ],
  };
}

function contentsOf(settings: Settings, sinceMs: number): object {
  const { layout, secrets } = settings;
  const types = volumeTypesOf(settings);
  return {
    auth_url: urlOf("keystone", "/v3"),
    region: REGION,
    // OpenStack's times are UTC with whole seconds.
    since: new Date(sinceMs).toISOString().slice(0, 19),
    admin_password: secrets.adminPassword,
    demo_password: secrets.demoPassword,
    nova_conf: join(layout.conf, "nova.conf"),
    volume_types: types,
    flavors: FLAVORS.map(([name, ram, disk]) => ({ name, ram, disk, vcpus: 1 })),
    external: NETWORKS.external,
    tenant_cidr: NETWORKS.tenant.cidr,
    image: guestImage(settings),
  };
}
