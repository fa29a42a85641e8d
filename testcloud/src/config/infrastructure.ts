import { createHash } from "node:crypto";
import { join } from "node:path";
import { LOOPBACK, PORTS, type Settings } from "../settings.ts";
import { type ConfigFile, PRIVATE, PROGRAM, READABLE } from "./file.ts";
import { renderIni, renderValues } from "./ini.ts";
import { RABBIT_USER } from "./sections.ts";

/** Notifications that nobody fetched within this time are dropped, else the queues would grow for ever. */
const NOTIFICATIONS_KEPT_MS = 10 * 60 * 1000;

/** MariaDB, RabbitMQ, libvirt, and the stand-ins of `mount` and `ebtables`. */
export function infrastructureFiles(settings: Settings): ConfigFile[] {
  const { conf, bin } = settings.layout;
  return [
    { path: join(conf, "my.cnf"), text: mariadb(settings), mode: READABLE },
    { path: join(conf, "rabbitmq/rabbitmq.conf"), text: rabbit(settings), mode: READABLE },
    { path: join(conf, "rabbitmq/enabled_plugins"), text: "[].\n", mode: READABLE },
    { path: join(conf, "rabbitmq/definitions.json"), text: rabbitDefinitions(settings), mode: READABLE },
    { path: join(conf, "libvirtd.conf"), text: libvirtd(settings), mode: PRIVATE },
    { path: join(bin, "mount"), text: MOUNT, mode: PROGRAM },
    { path: join(bin, "mount.nfs"), text: MOUNT_NFS, mode: PROGRAM },
    { path: join(bin, "ebtables"), text: EBTABLES, mode: PROGRAM },
  ];
}

/** A test cloud's database may be lost with the machine: nothing waits for the disk. */
function mariadb({ layout }: Settings): string {
  return renderIni({
    mysqld: {
      user: "mysql",
      datadir: join(layout.data, "mysql"),
      socket: join(layout.run, "mysql/mysql.sock"),
      "pid-file": join(layout.run, "mysql/mysqld.pid"),
      port: PORTS.database,
      "bind-address": LOOPBACK,
      "skip-name-resolve": "1",
      "skip-log-bin": "1",
      performance_schema: "OFF",
      innodb_buffer_pool_size: "96M",
      innodb_log_file_size: "32M",
      innodb_flush_log_at_trx_commit: 0,
      innodb_doublewrite: 0,
      innodb_flush_method: "nosync",
      max_connections: 800,
      "character-set-server": "utf8mb3",
      "collation-server": "utf8mb3_general_ci",
    },
  });
}

function rabbit({ layout }: Settings): string {
  return renderValues({
    "listeners.tcp.1": `${LOOPBACK}:${PORTS.rabbit}`,
    load_definitions: join(layout.conf, "rabbitmq/definitions.json"),
    loopback_users: "none",
    "vm_memory_high_watermark.absolute": "512MiB",
    "disk_free_limit.absolute": "50MB",
    "log.file.level": "warning",
  });
}

function rabbitDefinitions({ secrets }: Settings): string {
  const access = { configure: ".*", write: ".*", read: ".*" };
  const definitions = {
    vhosts: [{ name: "/" }],
    users: [{ name: RABBIT_USER, tags: "", ...hashedPassword(secrets.rabbitPassword) }],
    permissions: [{ user: RABBIT_USER, vhost: "/", ...access }],
    policies: [
      {
        vhost: "/",
        name: "notifications-expire",
        pattern: String.raw`^(versioned_)?notifications\.`,
        "apply-to": "queues",
        priority: 0,
        definition: { "message-ttl": NOTIFICATIONS_KEPT_MS },
      },
    ],
  };
  return `${JSON.stringify(definitions, undefined, 2)}\n`;
}

/** RabbitMQ's form: base64 of a salt of 4 bytes and SHA-256 of salt and password. */
function hashedPassword(password: string): { password_hash: string; hashing_algorithm: string } {
  const salt = createHash("sha256").update(`salt of ${password}`).digest().subarray(0, 4);
  const hash = createHash("sha256").update(salt).update(password).digest();
  return {
    password_hash: Buffer.concat([salt, hash]).toString("base64"),
    hashing_algorithm: "rabbit_password_hashing_sha256",
  };
}

/** The usual socket in /run/libvirt, open to members of the group `libvirt`, as on a compute node. */
function libvirtd({ layout }: Settings): string {
  return renderValues({
    unix_sock_group: '"libvirt"',
    unix_sock_rw_perms: '"0770"',
    auth_unix_ro: '"none"',
    auth_unix_rw: '"none"',
    log_outputs: `"3:file:${join(layout.log, "libvirtd.log")}"`,
  });
}

/**
 * Cinder and Nova mount their shares with `mount -t nfs`; there need not be an NFS client on this machine. As
 * it stands in the services' PATH only, nothing of the system is replaced.
 */
const MOUNT = `#!/bin/sh
# "mount -t nfs [-o OPTIONS] HOST:/PATH FOLDER" binds PATH to FOLDER; all else is for the real mount.
case " $* " in *" -t nfs "*) ;; *) exec /bin/mount "$@" ;; esac
for each in "$@"; do
  share=\${folder-}
  folder=$each
done
exec mount.nfs "$share" "$folder"
`;

/** Cinder calls it without arguments to see whether it is installed. */
const MOUNT_NFS = `#!/bin/sh
[ $# -eq 2 ] || { echo "usage: mount.nfs HOST:/PATH FOLDER" >&2; exit 1; }
exec /bin/mount --bind "\${1#*:}" "$2"
`;

/**
 * ebtables-nft 1.8.9 answers EINVAL when a rule with \`--among-src\` is deleted, and Neutron's Linux bridge
 * agent, which deletes it before it writes the new one (arp_protect.py), then tries for ever. Such a chain
 * holds only these rules and a last DROP: it is emptied instead.
 */
const EBTABLES = `#!/bin/sh
# Deletes a port's --among-src rules by emptying its chain; all else is for the real ebtables.
real=/usr/sbin/ebtables
case " $* " in *" -D neutronMAC-"*" --among-src "*) ;; *) exec "$real" "$@" ;; esac
while [ "$1" != -D ]; do shift; done
"$real" -t nat --concurrent -F "$2" && exec "$real" -t nat --concurrent -A "$2" -j DROP
`;
