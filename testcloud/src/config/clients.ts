import { join } from "node:path";
import { HOST, LOOPBACK, PORTS, REGION, type Settings, urlOf } from "../settings.ts";
import { type ConfigFile, PRIVATE } from "./file.ts";

/** Who may log in: the administrator, and a member of the project `demo`. */
const LOGINS = ["admin", "demo"] as const;
type Login = (typeof LOGINS)[number];

/** `clouds.yaml` with the clouds `admin` and `demo`, `openrc` and `openrc-demo`, and the S3 gateway's keys. */
export function clientFiles(settings: Settings): ConfigFile[] {
  const { root } = settings.layout;
  const files: ConfigFile[] = [
    { path: join(root, "clouds.yaml"), text: cloudsYaml(settings), mode: PRIVATE },
    { path: join(root, "openrc"), text: openrc(settings, "admin"), mode: PRIVATE },
    { path: join(root, "openrc-demo"), text: openrc(settings, "demo"), mode: PRIVATE },
    { path: join(root, "place.json"), text: place(settings), mode: PRIVATE },
  ];
  if (settings.profile === "full") {
    files.push({ path: join(root, "s3.json"), text: s3(settings), mode: PRIVATE });
  }
  return files;
}

/** What a datamover on this machine and its tests must know (`OpenStackPlace` of packages/embedded). */
function place(settings: Settings): string {
  const { root, data } = settings.layout;
  const { adminPassword: admin, demoPassword: demo, servicePassword: cairn } = settings.secrets;
  const known = {
    authUrl: urlOf("keystone", "/v3"),
    region: REGION,
    passwords: { admin, demo, cairn },
    computeHost: HOST,
    libvirtSocket: "/run/libvirt/libvirt-sock",
    scratchFolder: join(root, "scratch"),
    volumesFolder: join(data, "mnt"),
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

function s3({ secrets }: Settings): string {
  const access = {
    endpoint: `http://${LOOPBACK}:${PORTS.s3}`,
    region: "us-east-1",
    accessKey: secrets.s3AccessKey,
    secretKey: secrets.s3SecretKey,
  };
  return `${JSON.stringify(access, undefined, 2)}\n`;
}
