import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, property, string } from "fast-check";
import { isMailAddress, resolveSmtp, type SmtpSetting, smtpProblem } from "./smtp-settings.ts";

const GOOD: readonly (readonly [SmtpSetting, string])[] = [
  ["smtp_server_name", "mail.example.org"],
  ["smtp_server_name", "192.0.2.7"],
  ["smtp_server_name", "2001:db8::25"],
  ["smtp_port", "587"],
  ["smtp_timeout", "10"],
  ["smtp_email_enable", "1"],
  ["smtp_email_enable", "0"],
  ["smtp_email_enable", "True"],
  ["smtp_security", "starttls"],
  ["smtp_default_sender", "backup@example.org"],
  ["smtp_default_recipient", "a@example.org, b@example.org"],
  ["smtp_default_recipient", ""],
  ["smtp_server_username", ""],
  ["smtp_server_password", "with spaces & more"],
];
for (const [name, value] of GOOD) {
  test(`${name} may be ${JSON.stringify(value)}`, () => assert.equal(smtpProblem(name, value), undefined));
}

const BAD: readonly (readonly [SmtpSetting, string])[] = [
  ["smtp_server_name", ""],
  ["smtp_server_name", "mail example"],
  ["smtp_server_name", "mail.example.org:25"],
  ["smtp_server_name", "http://mail"],
  ["smtp_port", "0"],
  ["smtp_port", "65536"],
  ["smtp_port", "25x"],
  ["smtp_timeout", "61"],
  ["smtp_timeout", "-1"],
  ["smtp_email_enable", "2"],
  ["smtp_security", "ssl"],
  ["smtp_default_sender", "Backup <backup@example.org>"],
  ["smtp_default_sender", "a@example.org\r\nBcc: b@example.org"],
  ["smtp_default_recipient", "a@example.org, nobody"],
  ["smtp_default_recipient", Array.from({ length: 11 }, (_, at) => `u${at}@example.org`).join(",")],
  ["smtp_server_password", "two\nlines"],
];
for (const [name, value] of BAD) {
  test(`${name} may not be ${JSON.stringify(value)}`, () =>
    assert.match(smtpProblem(name, value) ?? "", /^must be /));
}

test("no mail address can begin another header or another recipient", () => {
  check(
    property(string({ unit: "binary" }), string({ unit: "binary" }), (one, other) => {
      const text = `${one}@${other}`;
      if (isMailAddress(text)) assert.doesNotMatch(text, /[\s,;<>\p{Cc}]/u);
    }),
  );
});

const CLOUD = new Map([
  ["smtp_server_name", "mail.cloud.example"],
  ["smtp_port", "465"],
  ["smtp_server_username", "cloud"],
  ["smtp_default_sender", "backup@cloud.example"],
  ["smtp_default_recipient", "operators@cloud.example"],
]);

test("a project that switches mail on sends it by the cloud's server", () => {
  const { isEnabled, connection, defaultRecipients } = resolveSmtp(
    new Map([["smtp_email_enable", "1"]]),
    CLOUD,
  );
  assert.equal(isEnabled, true);
  assert.deepEqual(
    [connection?.saidBy, connection?.host, connection?.port],
    ["cloud", "mail.cloud.example", 465],
  );
  assert.deepEqual(defaultRecipients, ["operators@cloud.example"]);
});

test("a project's own server is told nothing of the cloud's: neither user name nor sender", () => {
  const own = new Map([["smtp_server_name", "evil.example"]]);
  const { connection } = resolveSmtp(own, CLOUD);
  assert.deepEqual(connection, {
    saidBy: "project",
    host: "evil.example",
    port: 25,
    security: "auto",
    username: undefined,
    timeoutMs: 10_000,
    sender: undefined,
  });
});

test("a project cannot give the cloud's server another user, port or sender", () => {
  const own = new Map([
    ["smtp_server_username", "me"],
    ["smtp_port", "2525"],
    ["smtp_default_sender", "boss@cloud.example"],
  ]);
  const { connection } = resolveSmtp(own, CLOUD);
  assert.deepEqual(
    [connection?.username, connection?.port, connection?.sender],
    ["cloud", 465, "backup@cloud.example"],
  );
});

test("a project's switch counts before the cloud's, either way", () => {
  const on = new Map([["smtp_email_enable", "1"]]);
  const off = new Map([["smtp_email_enable", "0"]]);
  assert.equal(resolveSmtp(off, on).isEnabled, false);
  assert.equal(resolveSmtp(on, off).isEnabled, true);
  assert.equal(resolveSmtp(new Map(), on).isEnabled, true);
  assert.equal(resolveSmtp(new Map(), new Map()).isEnabled, false);
});

for (const [security, port] of [
  ["tls", 465],
  ["starttls", 587],
  ["auto", 25],
  ["none", 25],
] as const) {
  test(`without a port ${security} means ${port}`, () => {
    const own = new Map([
      ["smtp_server_name", "m.example"],
      ["smtp_security", security],
    ]);
    assert.equal(resolveSmtp(own, new Map()).connection?.port, port);
  });
}
