import assert from "node:assert/strict";
import { test } from "node:test";
import { Rejection } from "@cairn/kernel";
import { parseTransportUrl } from "./transport-url.ts";

const shown = (url: string) =>
  parseTransportUrl(url).map(({ password, ...rest }) => ({ ...rest, password: password.reveal() }));

test("an address of nova.conf gives its brokers, each with its name and the virtual host", () => {
  const common = { vhost: "/", isTls: false };
  assert.deepEqual(shown("rabbit://openstack:se%2Fcret@10.0.0.1:5673/"), [
    { hostname: "10.0.0.1", port: 5673, username: "openstack", password: "se/cret", ...common },
  ]);
  assert.deepEqual(shown("rabbit://a:b:c@one,two:5673,[fd00::3]:5674/nova%2Fx?ssl=0"), [
    { hostname: "one", port: 5672, username: "a", password: "b:c", vhost: "nova/x", isTls: false },
    { hostname: "two", port: 5673, username: "a", password: "b:c", vhost: "nova/x", isTls: false },
    { hostname: "fd00::3", port: 5674, username: "a", password: "b:c", vhost: "nova/x", isTls: false },
  ]);
  assert.deepEqual(shown("amqps://a:b@bus"), [
    { hostname: "bus", port: 5671, username: "a", password: "b", vhost: "/", isTls: true },
  ]);
});

test("what is no address of a bus is refused with a remedy, and without its password", () => {
  const wrong = [
    "",
    "bus",
    "http://a:b@c/",
    "rabbit://bus:5672/",
    "rabbit://a:geheim@:x/",
    "rabbit://a:%zz@b/",
  ];
  for (const url of [...wrong, "rabbit://a:geheim@b:99999/"]) {
    assert.throws(
      () => parseTransportUrl(url),
      (cause) =>
        cause instanceof Rejection &&
        cause.field === "notifications.transport_url" &&
        cause.remedy !== "" &&
        !`${cause.message}${cause.remedy}`.includes("geheim"),
      url,
    );
  }
});
