import { join } from "node:path";
import { MARK } from "./environment.ts";
import type { Layout } from "./layout.ts";
import type { Probe } from "./probe.ts";
import type { Service } from "./service.ts";
import { LOOPBACK, PORTS, type Settings, urlOf } from "./settings.ts";

/** Where the project's Python programs lie. */
export const PYTHON_FOLDER = join(import.meta.dirname, "../python");
export const PYTHON = "/usr/bin/python3";

/** Most services end all that they started and need nothing in their environment. */
type Sketch = Omit<Service, "stops"> & Partial<Pick<Service, "stops">>;

/** Every process of the cloud, each once. What it comes after are tasks (see tasks.ts) and other services. */
export function servicesOf(settings: Settings): Service[] {
  const sketches = [
    ...infrastructure(settings),
    ...identityAndImage(settings),
    ...compute(settings),
    ...network(settings),
    ...volume(settings),
    ...(settings.profile === "full" ? [...ceph(settings), dashboard(settings)] : []),
  ];
  return sketches.map((sketch) => ({ stops: "group", ...sketch }));
}

/** Stand-ins that a service finds in its PATH: it is started anew when they change. */
function mountPrograms({ bin }: Layout): string[] {
  return [join(bin, "mount"), join(bin, "mount.nfs")];
}

function port(number: number): Probe {
  return { kind: "port", port: number };
}

function asUser(user: string, command: readonly string[]): string[] {
  return ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", "--", ...command];
}

function infrastructure(settings: Settings): Sketch[] {
  const { conf, run } = settings.layout;
  return [
    {
      name: "mariadb",
      after: ["database-files"],
      command: ["mariadbd", `--defaults-file=${join(conf, "my.cnf")}`],
      reads: [join(conf, "my.cnf")],
      ready: port(PORTS.database),
    },
    {
      name: "epmd",
      after: [],
      command: asUser("rabbitmq", ["epmd", "-address", LOOPBACK, "-port", `${PORTS.epmd}`]),
      reads: [],
      ready: port(PORTS.epmd),
    },
    rabbit(settings),
    {
      name: "memcached",
      after: [],
      command: ["memcached", "-u", "memcache", "-l", LOOPBACK, "-p", `${PORTS.memcached}`, "-m", "32"],
      reads: [],
      ready: port(PORTS.memcached),
    },
    {
      name: "libvirtd",
      after: ["libvirt-settings"],
      command: ["libvirtd", "--config", join(conf, "libvirtd.conf"), "--pid-file", join(run, "libvirtd.pid")],
      reads: [join(conf, "libvirtd.conf")],
      ready: { kind: "socket", path: "/run/libvirt/libvirt-sock" },
      stops: "leader",
    },
  ];
}

/** Its start script looks at many names; those that are not given must not come from the machine. */
function rabbit({ layout }: Settings): Sketch {
  const home = join(layout.data, "rabbitmq");
  const conf = join(layout.conf, "rabbitmq");
  const environment: Readonly<Record<string, string>> = {
    HOME: home,
    RABBITMQ_NODENAME: "cairn-testcloud@localhost",
    RABBITMQ_MNESIA_BASE: join(home, "mnesia"),
    RABBITMQ_LOG_BASE: join(layout.log, "rabbit"),
    RABBITMQ_CONFIG_FILE: join(conf, "rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(conf, "enabled_plugins"),
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_DIST_PORT: `${PORTS.rabbitDistribution}`,
    ERL_EPMD_PORT: `${PORTS.epmd}`,
    ERL_EPMD_ADDRESS: LOOPBACK,
    // One scheduler that does not spin: the bus is all but idle, and processors are few.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
    [MARK]: layout.root,
  };
  return {
    name: "rabbitmq",
    after: ["epmd", "bus-files"],
    command: asUser("rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"]),
    environment,
    reads: [join(conf, "rabbitmq.conf"), join(conf, "definitions.json")],
    ready: port(PORTS.rabbit),
  };
}

function identityAndImage({ layout, profile }: Settings): Sketch[] {
  const { conf } = layout;
  return [
    {
      name: "keystone",
      after: ["keystone-database", "memcached"],
      command: ["uwsgi", "--ini", join(conf, "keystone-uwsgi.ini")],
      environment: { OS_KEYSTONE_CONFIG_FILES: "keystone.conf", OS_KEYSTONE_CONFIG_DIR: conf },
      reads: [join(conf, "keystone-uwsgi.ini"), join(conf, "keystone.conf")],
      ready: { kind: "http", url: urlOf("keystone", "/v3") },
    },
    {
      name: "placement",
      after: ["placement-database", "identities"],
      command: ["uwsgi", "--ini", join(conf, "placement-uwsgi.ini")],
      environment: { OS_PLACEMENT_CONFIG_DIR: join(conf, "placement") },
      reads: [join(conf, "placement-uwsgi.ini"), join(conf, "placement/placement.conf")],
      ready: { kind: "http", url: urlOf("placement", "/") },
    },
    {
      name: "glance-api",
      after: ["glance-database", "identities", ...(profile === "full" ? ["ceph-pools"] : [])],
      command: ["glance-api", "--config-file", join(conf, "glance-api.conf")],
      reads: [join(conf, "glance-api.conf")],
      ready: { kind: "http", url: urlOf("glance", "/") },
    },
  ];
}

function compute({ layout, profile }: Settings): Sketch[] {
  const controller = join(layout.conf, "nova.conf");
  const node = join(layout.conf, "nova-compute.conf");
  const program = (name: string, config: string): Pick<Sketch, "name" | "command" | "reads"> => ({
    name,
    command: [name, "--config-file", config],
    reads: [config],
  });
  return [
    {
      ...program("nova-api", controller),
      after: ["nova-database", "identities", "rabbitmq"],
      ready: { kind: "http", url: urlOf("nova", "/") },
    },
    {
      ...program("nova-conductor", controller),
      // It asks Placement at its start, and ends when that does not answer.
      after: ["nova-database", "rabbitmq", "placement"],
      ready: { kind: "running" },
    },
    {
      ...program("nova-scheduler", controller),
      after: ["nova-database", "rabbitmq", "placement"],
      ready: { kind: "running" },
    },
    {
      ...program("nova-compute", node),
      reads: [node, ...mountPrograms(layout)],
      after: [
        "nova-conductor",
        "placement",
        "libvirtd",
        "bridges",
        "shared-mounts",
        ...(profile === "full" ? ["libvirt-secret"] : []),
      ],
      ready: { kind: "running" },
    },
  ];
}

function network({ layout }: Settings): Sketch[] {
  const main = join(layout.conf, "neutron.conf");
  const program = (name: string, ...files: readonly string[]): Pick<Sketch, "name" | "command" | "reads"> => {
    const reads = [main, ...files.map((file) => join(layout.conf, file))];
    return { name, command: [name, ...reads.flatMap((path) => ["--config-file", path])], reads };
  };
  const agent = { after: ["neutron-server", "bridges"], ready: { kind: "running" } } as const;
  return [
    {
      ...program("neutron-server", "ml2.ini"),
      after: ["neutron-database", "identities", "rabbitmq"],
      ready: { kind: "http", url: urlOf("neutron", "/") },
    },
    { ...program("neutron-linuxbridge-agent", "ml2.ini", "linuxbridge.ini"), ...agent },
    { ...program("neutron-dhcp-agent", "dhcp.ini"), ...agent },
    { ...program("neutron-l3-agent", "l3.ini"), ...agent },
    { ...program("neutron-metadata-agent", "metadata.ini"), ...agent },
  ];
}

/** Started by a program of ours: Debian's Cinder and oslo.messaging do not agree (cinder_service.py). */
function volume({ layout, profile }: Settings): Sketch[] {
  const config = join(layout.conf, "cinder.conf");
  const program = (kind: "api" | "scheduler" | "volume"): Pick<Sketch, "name" | "command" | "reads"> => ({
    name: `cinder-${kind}`,
    command: [
      PYTHON,
      join(PYTHON_FOLDER, "cinder_service.py"),
      kind,
      "--config-file",
      config,
      "--log-file",
      join(layout.log, `cinder-${kind}.log`),
    ],
    reads: [config],
  });
  return [
    {
      ...program("api"),
      after: ["cinder-database", "identities", "rabbitmq"],
      ready: { kind: "http", url: urlOf("cinder", "/") },
    },
    { ...program("scheduler"), after: ["cinder-database", "rabbitmq"], ready: { kind: "running" } },
    {
      ...program("volume"),
      reads: [config, ...mountPrograms(layout)],
      after: [
        "cinder-database",
        "identities",
        "rabbitmq",
        "volume-share",
        ...(profile === "full" ? ["ceph-pools"] : []),
      ],
      ready: { kind: "running" },
    },
  ];
}

function ceph({ layout }: Settings): Sketch[] {
  const config = join(layout.conf, "ceph.conf");
  const daemon = (name: string, id: string, after: string): Sketch => ({
    name,
    after: [after],
    command: [name, "--conf", config, "-f", ...id.split(" ")],
    reads: [config],
    ready: { kind: "running" },
  });
  return [
    { ...daemon("ceph-mon", "-i a", "ceph-monitor-files"), ready: port(PORTS.cephMonitor) },
    daemon("ceph-mgr", "-i a", "ceph-mon"),
    daemon("ceph-osd", "-i 0", "ceph-store-files"),
    { ...daemon("radosgw", "-n client.rgw.a", "ceph-pools"), ready: { kind: "http", url: urlOf("s3", "/") } },
  ];
}

function dashboard({ layout }: Settings): Sketch {
  const { conf } = layout;
  return {
    name: "horizon",
    after: ["keystone", "memcached", "dashboard-files"],
    command: ["uwsgi", "--ini", join(conf, "horizon-uwsgi.ini")],
    reads: [
      join(conf, "horizon-uwsgi.ini"),
      join(conf, "horizon/testcloud_settings.py"),
      join(conf, "horizon/wsgi.py"),
    ],
    ready: port(PORTS.horizon),
  };
}
