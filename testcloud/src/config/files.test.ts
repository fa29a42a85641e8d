import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sampleSettings } from "../sample-settings.ts";
import { servicesOf } from "../services.ts";
import { PROFILES, type Profile } from "../settings.ts";
import { PRIVATE } from "./file.ts";
import { configFiles } from "./files.ts";
import { renderIni } from "./ini.ts";

function textOf(profile: Profile, path: string): string {
  const file = configFiles(sampleSettings(profile)).find((each) => each.path === path);
  assert.ok(file !== undefined, `there is no ${path}`);
  return file.text;
}

/** The lines of one section. */
function section(text: string, name: string): string[] {
  const lines = text.split("\n");
  const from = lines.indexOf(`[${name}]`);
  assert.notEqual(from, -1, `there is no section ${name}`);
  const rest = lines.slice(from + 1);
  const end = rest.findIndex((line) => line.startsWith("["));
  return (end === -1 ? rest : rest.slice(0, end)).filter((line) => line !== "");
}

describe("configuration files", () => {
  it("are sections of lines, with a line for each of several values", () => {
    assert.equal(
      renderIni({ a: { x: 1, y: true }, b: { z: ["p", "q"] } }),
      "[a]\nx = 1\ny = true\n\n[b]\nz = p\nz = q\n",
    );
  });

  for (const profile of PROFILES) {
    it(`are all that the services of the profile ${profile} read`, () => {
      const paths = new Set(configFiles(sampleSettings(profile)).map(({ path }) => path));
      const read = servicesOf(sampleSettings(profile)).flatMap(({ reads }) => reads);
      assert.deepEqual(
        read.filter((path) => !paths.has(path)),
        [],
      );
    });

    it(`of the profile ${profile} lie below the cloud's folder, and the same settings give the same`, () => {
      const files = configFiles(sampleSettings(profile));
      assert.deepEqual(files, configFiles(sampleSettings(profile)));
      assert.ok(files.every(({ path }) => path.startsWith("/cloud/")));
    });

    it(`of the profile ${profile} that hold a password are for root only`, () => {
      const { secrets } = sampleSettings(profile);
      const passwords = [secrets.adminPassword, secrets.demoPassword, secrets.servicePassword];
      const open = configFiles(sampleSettings(profile)).filter(({ mode }) => mode !== PRIVATE);
      const telling = open.filter(({ text }) =>
        passwords.some((password) => new RegExp(`\\b${password}\\b`).test(text)),
      );
      assert.deepEqual(
        telling.map(({ path }) => path),
        [],
      );
    });
  }

  it("show nova-compute no database", () => {
    assert.match(textOf("light", "/cloud/conf/nova.conf"), /^\[api_database\]$/m);
    assert.doesNotMatch(textOf("full", "/cloud/conf/nova-compute.conf"), /database\]|mysql/);
  });

  it("switch on Nova's and Cinder's notifications, and nobody else's", () => {
    const nova = textOf("light", "/cloud/conf/nova-compute.conf");
    assert.deepEqual(section(nova, "notifications").slice(0, 2), [
      "notification_format = versioned",
      "notify_on_state_change = vm_and_task_state",
    ]);
    for (const [file, driver] of [
      ["nova.conf", "messagingv2"],
      ["cinder.conf", "messagingv2"],
      ["neutron.conf", "noop"],
    ] as const) {
      const found = section(textOf("light", `/cloud/conf/${file}`), "oslo_messaging_notifications");
      assert.equal(found[0], `driver = ${driver}`);
    }
  });

  it("name Ceph in the full profile only", () => {
    for (const name of ["glance-api.conf", "cinder.conf", "nova.conf", "nova-compute.conf"]) {
      assert.doesNotMatch(textOf("light", `/cloud/conf/${name}`), /ceph|rbd/i, name);
      assert.match(textOf("full", `/cloud/conf/${name}`), /ceph\.conf/, name);
    }
    assert.match(textOf("full", "/cloud/conf/cinder.conf"), /^enabled_backends = ceph,nfs$/m);
    assert.match(textOf("light", "/cloud/conf/cinder.conf"), /^enabled_backends = nfs$/m);
  });

  it("let everything listen on loopback only", () => {
    const texts = configFiles(sampleSettings("full")).map(({ path, text }) => ({ path, text }));
    const open = texts.filter(({ text }) => /0\.0\.0\.0|\[?::\]?:\d/.test(text));
    assert.deepEqual(open, []);
  });

  it("ask for no version of an API in what users load", () => {
    for (const name of ["openrc", "openrc-demo", "clouds.yaml"]) {
      assert.doesNotMatch(textOf("full", `/cloud/${name}`), /(?:compute|volume)_api_version/i);
    }
  });

  it("give RabbitMQ a user with a salted hash and drop notifications that nobody fetches", () => {
    const text = textOf("light", "/cloud/conf/rabbitmq/definitions.json");
    const definitions = JSON.parse(text) as {
      users: { password_hash: string }[];
      policies: { pattern: string; definition: Record<string, number> }[];
    };
    assert.equal(Buffer.from(definitions.users[0]?.password_hash ?? "", "base64").length, 4 + 32);
    const [policy] = definitions.policies;
    assert.match("versioned_notifications.info", new RegExp(policy?.pattern ?? "^$"));
    assert.equal(policy?.definition["message-ttl"], 600_000);
  });
});
