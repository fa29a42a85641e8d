import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "@cairn/kernel";
import { secretSeal } from "@cairn/openstack";
import { CONSOLE_HEADER, SessionCookie } from "./session-cookie.ts";

const cookies = new SessionCookie(secretSeal(new Secret("service")));
const kept = cookies.keeping(new Secret("gAAAA-token"));
const pair = kept.split(";")[0] ?? "";
const asked = (cookie: string) => ({ cookie, [CONSOLE_HEADER]: "1" });

void test("a session's cookie holds the token sealed, and no script or other site gets at it", () => {
  assert.doesNotMatch(kept, /gAAAA/);
  assert.match(kept, /; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
});

void test("whoever has the same service password opens it, among other cookies", () => {
  const other = new SessionCookie(secretSeal(new Secret("service")));
  assert.equal(other.tokenOf(asked(`a=1; ${pair}; b=2`))?.reveal(), "gAAAA-token");
});

void test("without the console's header a cookie counts for nothing", () => {
  assert.equal(cookies.tokenOf({ cookie: pair }), undefined);
});

void test("a cookie of another password, of another use, cut, ended or absent is nobody's", () => {
  const foreign = new SessionCookie(secretSeal(new Secret("other"))).keeping(new Secret("t"));
  const used = secretSeal(new Secret("service")).close(new Secret("t"), "trust of anna");
  for (const cookie of [foreign, `cairn_session=${used}`, pair.slice(0, -4), "cairn_session=", "a=1"]) {
    assert.equal(cookies.tokenOf(asked(cookie)), undefined, cookie);
  }
  assert.equal(cookies.tokenOf({ [CONSOLE_HEADER]: "1" }), undefined);
  assert.match(cookies.ending, /^cairn_session=; .*Max-Age=0$/);
});
