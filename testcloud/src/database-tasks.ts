import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Cloud, onceTask } from "./cloud.ts";
import { DATABASE_USER, DATABASES, databaseUrl } from "./config/sections.ts";
import { makeFolders } from "./disk.ts";
import { REGION, type Settings, urlOf } from "./settings.ts";
import type { Task } from "./task.ts";

/** MariaDB's and RabbitMQ's files, the databases, and each service's schema. */
export function databaseTasks(cloud: Cloud): Task[] {
  const { settings } = cloud;
  const { layout } = settings;
  const mysql = join(layout.data, "mysql");
  return [
    onceTask(cloud, { name: "database-files", after: [] }, async (run) => {
      makeFolders([mysql, join(layout.run, "mysql")]);
      await run(["chown", "mysql:", mysql, join(layout.run, "mysql")]);
      if (existsSync(join(mysql, "mysql"))) return;
      const config = `--defaults-file=${join(layout.conf, "my.cnf")}`;
      const access = ["--skip-test-db", "--auth-root-authentication-method=socket"];
      await run(["mariadb-install-db", config, "--user=mysql", ...access]);
    }),
    onceTask(cloud, { name: "bus-files", after: [] }, async (run) => {
      const folders = [join(layout.data, "rabbitmq/mnesia"), join(layout.log, "rabbit")];
      makeFolders(folders);
      await run(["chown", "-R", "rabbitmq:", join(layout.data, "rabbitmq"), join(layout.log, "rabbit")]);
    }),
    onceTask(cloud, { name: "databases", after: ["mariadb"] }, async (run) => {
      await run(["mariadb", "--socket", join(layout.run, "mysql/mysql.sock")], {
        input: createSql(settings),
      });
    }),
    ...schemaTasks(cloud),
  ];
}

/** Passwords are ours, hexadecimal, and need no quoting. */
function createSql({ secrets }: Settings): string {
  const user = `'${DATABASE_USER}'@'%'`;
  return [
    ...DATABASES.map((name) => `CREATE DATABASE IF NOT EXISTS ${name} CHARACTER SET utf8mb3;`),
    `CREATE USER IF NOT EXISTS ${user} IDENTIFIED BY '${secrets.databasePassword}';`,
    `GRANT ALL ON *.* TO ${user};`,
    "FLUSH PRIVILEGES;",
  ].join("\n");
}

function schemaTasks(cloud: Cloud): Task[] {
  const { settings } = cloud;
  const { conf } = settings.layout;
  const schema = (service: string, commands: readonly (readonly string[])[]): Task =>
    onceTask(cloud, { name: `${service}-database`, after: ["databases"], weight: "heavy" }, async (run) => {
      for (const command of commands) await run(command);
    });
  const glance = ["glance-manage", "--config-file", join(conf, "glance-api.conf")];
  const neutron = ["--config-file", join(conf, "neutron.conf"), "--config-file", join(conf, "ml2.ini")];
  const placement = ["placement-manage", "--config-dir", join(conf, "placement")];
  // Keystone's comes first, as most wait for it; Nova's is the longest.
  return [
    schema("keystone", keystoneCommands(settings)),
    schema("nova", novaCommands(settings)),
    schema("neutron", [["neutron-db-manage", ...neutron, "upgrade", "heads"]]),
    schema("placement", [
      ["env", `OS_PLACEMENT_CONFIG_DIR=${join(conf, "placement")}`, ...placement, "db", "sync"],
    ]),
    schema("cinder", [["cinder-manage", "--config-file", join(conf, "cinder.conf"), "db", "sync"]]),
    schema("glance", [[...glance, "db_sync"]]),
  ];
}

function keystoneCommands({ layout, secrets }: Settings): string[][] {
  const manage = ["keystone-manage", "--config-file", join(layout.conf, "keystone.conf")];
  const root = ["--keystone-user", "root", "--keystone-group", "root"];
  const urls = ["admin", "public", "internal"].flatMap((kind) => [
    `--bootstrap-${kind}-url`,
    urlOf("keystone"),
  ]);
  return [
    [...manage, "db_sync"],
    [...manage, "fernet_setup", ...root],
    [...manage, "credential_setup", ...root],
    [
      ...manage,
      "bootstrap",
      "--bootstrap-password",
      secrets.adminPassword,
      "--bootstrap-region-id",
      REGION,
      ...urls,
    ],
  ];
}

/** `create_cell` ends with 2 when the cell is there from an earlier attempt. */
function novaCommands(settings: Settings): string[][] {
  const manage = ["nova-manage", "--config-file", join(settings.layout.conf, "nova.conf")];
  const createCell = [...manage, "cell_v2", "create_cell", "--name", "cell1"];
  return [
    [...manage, "api_db", "sync"],
    [...manage, "cell_v2", "map_cell0", "--database_connection", databaseUrl(settings, "nova_cell0")],
    ["sh", "-c", '"$@" || [ $? -eq 2 ]', "create-cell", ...createCell],
    [...manage, "db", "sync"],
  ];
}
