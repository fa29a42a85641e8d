import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { inspect } from "node:util";
import { Rejection, Secret } from "@cairn/kernel";
import { explainConfig, loadConfig } from "./config.ts";
import { boolean, choice, integer, optional, path, secret, text } from "./config-fields.ts";

const spec = {
  database: { url: secret() },
  datamoverApi: {
    listenHost: text({ default: "127.0.0.1" }),
    listenPort: integer({ min: 0, max: 65535, default: 8784 }),
  },
  keys: { keyFile: optional(path()) },
  sandbox: { slow: boolean({ default: false }), pace: choice(["calm", "brisk"], { default: "calm" }) },
};
const url = { CAIRN_DATABASE_URL: "postgres://somewhere" };
const folder = mkdtempSync(join(tmpdir(), "cairn-config-"));
after(() => rmSync(folder, { recursive: true }));

function file(content: string): string {
  const made = join(folder, "cairn.conf");
  writeFileSync(made, content);
  return made;
}

function rejectionOf(work: () => unknown): Rejection {
  try {
    work();
  } catch (thrown) {
    assert.ok(thrown instanceof Rejection, inspect(thrown));
    return thrown;
  }
  return assert.fail("nothing was thrown");
}

describe("configuration", () => {
  it("has the defaults when only what is required is set, and cannot be changed", () => {
    const config = loadConfig(spec, { env: url, argv: [] });
    assert.equal(config.database.url.reveal(), "postgres://somewhere");
    assert.deepEqual(config.datamoverApi, { listenHost: "127.0.0.1", listenPort: 8784 });
    assert.equal(config.keys.keyFile, undefined);
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.datamoverApi));
  });

  it("lets the environment win over the file, and a flag over both", () => {
    const conf = file("[database]\nurl = a\n[datamover_api]\nlisten_port = 1\nlisten_host = ::1\n");
    const from = (env: Record<string, string>, ...argv: string[]) =>
      loadConfig(spec, { env, argv: ["--config", conf, ...argv] }).datamoverApi;
    assert.deepEqual(from({}), { listenHost: "::1", listenPort: 1 });
    assert.equal(from({ CAIRN_DATAMOVER_API_LISTEN_PORT: "2" }).listenPort, 2);
    const third = from({ CAIRN_DATAMOVER_API_LISTEN_PORT: "2" }, "--datamover-api-listen-port", "3");
    assert.equal(third.listenPort, 3);
    assert.equal(from({}, "--datamover-api-listen-port=4").listenPort, 4);
  });

  it("takes a relative path in a file from the file's folder, elsewhere from the current directory", () => {
    const conf = file("[database]\nurl = a\n[keys]\nkey_file = secret/keys\n");
    const fromFile = loadConfig(spec, { env: {}, argv: ["--config", conf] });
    assert.equal(fromFile.keys.keyFile, join(folder, "secret/keys"));
    const fromFlag = loadConfig(spec, { env: url, argv: ["--keys-key-file", "k"], folder: "/here" });
    assert.equal(fromFlag.keys.keyFile, "/here/k");
  });

  it("reads a bare flag of a yes-or-no setting as yes", () => {
    const slow = (...argv: string[]) => loadConfig(spec, { env: url, argv }).sandbox.slow;
    assert.equal(slow("--sandbox-slow"), true);
    assert.equal(slow("--sandbox-slow", "no"), false);
    assert.equal(slow("--sandbox-slow", "--stop-with-stdin"), true);
  });

  it("leaves settings of other programs alone, in a shared file as in the environment", () => {
    const conf = file("[database]\nurl = a\n[keystone]\nusername = cairn\n[datamover_api]\nurl = http://x\n");
    const env = { CAIRN_KEYSTONE_PASSWORD: "p", CAIRN_PG_BIN: "/usr", CAIRN_DATAMOVER_API_URL: "u" };
    assert.equal(loadConfig(spec, { env, argv: ["--config", conf] }).database.url.reveal(), "a");
  });

  const unknown: readonly [string, readonly string[], Record<string, string>, string][] = [
    ["flag", ["--database-ulr=x"], url, "did you mean --database-url?"],
    ["environment variable", [], { ...url, CAIRN_DATABASE_URI: "x" }, "did you mean CAIRN_DATABASE_URL?"],
  ];
  for (const [kind, argv, env, remedy] of unknown) {
    it(`refuses an unknown ${kind} and names the nearest one`, () => {
      assert.equal(rejectionOf(() => loadConfig(spec, { env, argv })).remedy, remedy);
    });
  }

  it("refuses an unknown key or section of the file with its line", () => {
    const key = file("[datamover_api]\nlisten_prot = 1\n");
    const first = rejectionOf(() => loadConfig(spec, { env: url, argv: ["--config", key] }));
    assert.match(first.message, /datamover_api\.listen_prot .*line 2/);
    assert.equal(first.remedy, "did you mean datamover_api.listen_port?");
    const section = file("[databse]\nurl = 1\n");
    const second = rejectionOf(() => loadConfig(spec, { env: url, argv: ["--config", section] }));
    assert.equal(second.remedy, "did you mean database.url?");
  });

  it("refuses a required setting that is missing and says the three ways to set it", () => {
    const rejection = rejectionOf(() => loadConfig(spec, { env: {}, argv: [] }));
    assert.equal(rejection.field, "database.url");
    assert.match(rejection.remedy, /--config.*CAIRN_DATABASE_URL.*--database-url/);
  });

  const wrong: readonly [string, string, RegExp][] = [
    ["--datamover-api-listen-port", "65536", /must be a whole number from 0 to 65535/],
    ["--datamover-api-listen-port", "1e3", /must be a whole number/],
    ["--datamover-api-listen-host", "", /must not be empty/],
    ["--sandbox-slow", "maybe", /must be true or false/],
    ["--sandbox-pace", "wild", /must be one of calm, brisk/],
  ];
  for (const [flag, value, message] of wrong) {
    it(`refuses ${flag} ${value === "" ? "(empty)" : value} and says what it must be`, () => {
      assert.match(
        rejectionOf(() => loadConfig(spec, { env: url, argv: [`${flag}=${value}`] })).message,
        message,
      );
    });
  }

  it("refuses a flag without its value, and a file that is not there", () => {
    assert.match(
      rejectionOf(() => loadConfig(spec, { env: url, argv: ["--keys-key-file"] })).message,
      /needs a value/,
    );
    const away = rejectionOf(() => loadConfig(spec, { env: url, argv: ["--config", join(folder, "none")] }));
    assert.match(away.message, /none cannot be read/);
  });

  it("explains each value with where it came from, and shows no secret", () => {
    const lines = explainConfig(spec, { env: url, argv: ["--datamover-api-listen-port", "9"] });
    assert.deepEqual(lines.slice(0, 3), [
      "database.url = [secret]    # environment CAIRN_DATABASE_URL",
      "datamover_api.listen_host = 127.0.0.1    # default",
      "datamover_api.listen_port = 9    # flag --datamover-api-listen-port",
    ]);
    assert.equal(lines[3], "keys.key_file = (not set)    # default");
  });

  it("keeps a secret out of the loaded object's every printed form", () => {
    const config = loadConfig(spec, { env: { CAIRN_DATABASE_URL: "hush" }, argv: [] });
    assert.ok(config.database.url instanceof Secret);
    assert.doesNotMatch(inspect(config) + JSON.stringify(config), /hush/);
  });
});
