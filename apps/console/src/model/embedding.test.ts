import assert from "node:assert/strict";
import { test } from "node:test";
import { csrfToken, isDarkGround, loginAddress, parseEmbedding, startOf } from "./embedding.ts";

const told = {
  room: "admin",
  api: "/horizon/admin/cairn_backups_admin/api/",
  login: "/horizon/auth/login/",
  csrf: { cookie: "csrftoken", token: "of the page" },
  language: "pt-br",
  zone: "Asia/Tokyo",
};
const embedding = parseEmbedding(JSON.stringify(told));

void test("what the page tells is read as it is, and a zone that is none is the browser's", () => {
  assert.deepEqual(embedding, told);
  assert.equal(parseEmbedding(JSON.stringify({ ...told, zone: "Nowhere/At all" })).zone, undefined);
  assert.equal(parseEmbedding(JSON.stringify({ ...told, zone: null })).zone, undefined);
});

void test("what is not from the plugin is no embedding", () => {
  for (const text of ["null", "{}", JSON.stringify({ ...told, csrf: 7 }), "{{ surroundings }}"]) {
    assert.throws(() => parseEmbedding(text), text);
  }
});

void test("operators begin with the service, everybody else with their project", () => {
  assert.equal(startOf(embedding), "#!/operator");
  assert.equal(startOf({ ...embedding, room: "project" }), "#!/");
});

void test("the token against forgery is the newest: the cookie's, else the page's", () => {
  assert.equal(csrfToken(embedding, "a=1; csrftoken=newer%3D; b=2"), "newer=");
  assert.equal(csrfToken(embedding, "xcsrftoken=other"), "of the page");
  assert.equal(csrfToken(embedding, "csrftoken="), "of the page");
});

void test("one comes back from signing in to where one was", () => {
  assert.equal(loginAddress(embedding, "/a/?b=c"), "/horizon/auth/login/?next=%2Fa%2F%3Fb%3Dc");
});

void test("a ground is dark by its brightness; none is light", () => {
  assert.equal(isDarkGround("rgb(255, 255, 255)"), false);
  assert.equal(isDarkGround("rgb(34, 34, 34)"), true);
  assert.equal(isDarkGround("rgba(0, 0, 0, 0)"), false);
  assert.equal(isDarkGround("transparent"), false);
});
