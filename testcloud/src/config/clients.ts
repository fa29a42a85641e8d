import { join } from "node:path";
import { HOST, LOOPBACK, PORTS, REGION, type Settings, urlOf } from "../settings.ts";
import { type ConfigFile, PRIVATE } from "./file.ts";
import { attachedVolumesFolder } from "./nova.ts";
import { RABBIT_USER } from "./sections.ts";

/** Who may log in: the administrator, and a member of the project `demo`. */
const LOGINS = ["admin", "demo"] as const;
type Login = (typeof LOGINS)[number];

/**
 * `clouds.yaml` with the clouds `admin` and `demo`, `openrc` and `openrc-demo`, and two files about what is
 * no API of OpenStack: `place.json` for a datamover on this machine, `access.json` for everything else.
 */
export function clientFiles(settings: Settings): ConfigFile[] {
  const { root } = settings.layout;
  return [
    { path: join(root, "clouds.yaml"), text: cloudsYaml(settings), mode: PRIVATE },
    { path: join(root, "openrc"), text: openrc(settings, "admin"), mode: PRIVATE },
    { path: join(root, "openrc-demo"), text: openrc(settings, "demo"), mode: PRIVATE },
    { path: join(root, "place.json"), text: place(settings), mode: PRIVATE },
    { path: join(root, "access.json"), text: access(settings), mode: PRIVATE },
  ];
}

/** What a datamover on this machine and its tests must know (`OpenStackPlace` of packages/embedded). */
function place(settings: Settings): string {
  const { root } = settings.layout;
  const { adminPassword: admin, demoPassword: demo, servicePassword: cairn } = settings.secrets;
  const known = {
    authUrl: urlOf("keystone", "/v3"),
    region: REGION,
    passwords: { admin, demo, cairn },
    computeHost: HOST,
    libvirtSocket: "/run/libvirt/libvirt-sock",
    scratchFolder: join(root, "scratch"),
    volumesFolder: attachedVolumesFolder(settings),
    programsFolder: settings.layout.bin,
  };
  return `${JSON.stringify(known, undefined, 2)}\n`;
}

function passwordOf({ secrets }: Settings, login: Login): string {
  return login === "admin" ? secrets.adminPassword : secrets.demoPassword;
}

/** No version of any API is asked for: clients start from the oldest, as they do everywhere. */
function openrc(settings: Settings, login: Login): string {
  const values: Readonly<Record<string, string>> = {
    OS_AUTH_URL: urlOf("keystone", "/v3"),
    OS_IDENTITY_API_VERSION: "3",
    OS_USERNAME: login,
    OS_PASSWORD: passwordOf(settings, login),
    OS_PROJECT_NAME: login,
    OS_USER_DOMAIN_NAME: "Default",
    OS_PROJECT_DOMAIN_NAME: "Default",
    OS_REGION_NAME: REGION,
    OS_INTERFACE: "public",
    ...(settings.profile === "full" ? { CEPH_CONF: join(settings.layout.conf, "ceph.conf") } : {}),
  };
  return Object.entries(values)
    .map(([name, value]) => `export ${name}=${value}\n`)
    .join("");
}

function cloudsYaml(settings: Settings): string {
  const clouds = LOGINS.map(
    (login) => `  ${login}:
    auth:
      auth_url: "${urlOf("keystone", "/v3")}"
      username: "${login}"
      password: "${passwordOf(settings, login)}"
      project_name: "${login}"
      user_domain_name: "Default"
      project_domain_name: "Default"
    region_name: "${REGION}"
    interface: "public"
    identity_api_version: 3
`,
  );
  return `clouds:\n${clouds.join("")}`;
}

/** The bus with the notifications, libvirt, and in the full profile Ceph and its S3 gateway. */
function access(settings: Settings): string {
  const { secrets, profile, layout } = settings;
  const full = {
    s3: {
      endpoint: urlOf("s3"),
      region: "us-east-1",
      accessKey: secrets.s3AccessKey,
      secretKey: secrets.s3SecretKey,
    },
    ceph: { conf: join(layout.conf, "ceph.conf"), user: "cinder", volumes: "volumes", instances: "vms" },
    horizon: urlOf("horizon", "/"),
  };
  const found = {
    bus: {
      url: `amqp://${RABBIT_USER}:${secrets.rabbitPassword}@${LOOPBACK}:${PORTS.rabbit}/`,
      novaQueue: "versioned_notifications.info",
      cinderQueue: "notifications.info",
    },
    libvirt: "qemu:///system",
    ...(profile === "full" ? full : {}),
  };
  return `${JSON.stringify(found, undefined, 2)}\n`;
}
