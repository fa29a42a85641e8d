import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hasCode } from "@cairn/kernel";
import { type BusHost, parseTransportUrl } from "@cairn/openstack";
import { connect } from "amqplib";
import { subscribe } from "./bus.ts";

const KEYS = ["versioned_notifications.info", "notifications.info"];

async function openBus(): Promise<{ readonly url: string; readonly host: BusHost }> {
  const folder = process.env["CAIRN_TEST_CLOUD"];
  assert.ok(folder !== undefined, "this test needs a real cloud: ./cairn test --cloud testcloud");
  const access = JSON.parse(await readFile(join(folder, "access.json"), "utf8")) as { bus: { url: string } };
  const { url } = access.bus;
  const [host] = parseTransportUrl(url);
  assert.ok(host !== undefined);
  return { url, host };
}

test("what Nova and Cinder publish is heard, by everybody who listens", async () => {
  const { url, host } = await openBus();
  const heard = [0, 1].map(() => Promise.withResolvers<undefined>());
  const mark = `cairn-test-${String(process.pid)}`;
  const bindings = { exchanges: ["nova", "openstack"], routingKeys: KEYS };
  const listening = await Promise.all(
    heard.map(async ({ resolve }) =>
      subscribe(host, bindings, (content) => {
        if (content.includes(mark)) resolve(undefined);
      }),
    ),
  );
  // A message of no meaning, so that the cloud's own listeners overlook it.
  const publisher = await connect(url);
  const channel = await publisher.createConfirmChannel();
  channel.publish("nova", "versioned_notifications.info", Buffer.from(JSON.stringify({ mark })));
  await channel.waitForConfirms();
  await Promise.all(heard.map(async ({ promise }) => promise));
  await publisher.close();
  for (const each of listening) await each.close();
  assert.match((await Promise.all(listening.map(async ({ gone }) => gone))).join(), /closed/);
});

test("a bus that refuses us is a fault that names it without the password", async () => {
  const { host } = await openBus();
  const bindings = { exchanges: ["no-such-exchange"], routingKeys: KEYS };
  const refused = async (attempt: Promise<unknown>, code: string): Promise<void> =>
    assert.rejects(attempt, (cause: Error) => {
      assert.ok(hasCode(cause, code) && cause.message.includes(`${host.hostname}:${String(host.port)}`));
      return !cause.message.includes(host.password.reveal());
    });
  await refused(
    subscribe(host, bindings, () => undefined),
    "bus-refused",
  );
  await refused(
    subscribe({ ...host, username: "nobody" }, bindings, () => undefined),
    "bus-away",
  );
  await assert.rejects(
    subscribe({ ...host, port: 1 }, bindings, () => undefined),
    (cause) => hasCode(cause, "bus-away"),
  );
});
