import assert from "node:assert/strict";
import { it } from "node:test";
import { explainConfig } from "./config.ts";
import { databaseSettings, keystoneSettings } from "./settings.ts";

it("shows neither the database's address nor the service user's password", () => {
  const env = {
    CAIRN_DATABASE_URL: "postgres://cairn:hush@database/cairn",
    CAIRN_KEYSTONE_AUTH_URL: "http://cloud/identity/v3",
    CAIRN_KEYSTONE_USERNAME: "cairn",
    CAIRN_KEYSTONE_PASSWORD: "hush",
  };
  const shown = explainConfig({ database: databaseSettings, keystone: keystoneSettings }, { env, argv: [] });
  assert.match(shown.join("\n"), /database\.url = \[secret\]/);
  assert.match(shown.join("\n"), /keystone\.password = \[secret\]/);
  assert.doesNotMatch(shown.join("\n"), /hush/);
});
