import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Fault, Secret } from "@cairn/kernel";
import { secretSeal } from "@cairn/openstack";
import { startTestApi, type TestApi } from "../test-api.ts";
import { readPages } from "./pages.ts";
import { SessionCookie } from "./session-cookie.ts";

const PROJECT = "1".repeat(32);
const WORKLOADS = `/v1/${PROJECT}/workloads`;

let api: TestApi;

before(async () => {
  api = await startTestApi(process.env);
  api.cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** The cookie that a browser would send for this token. */
function cookieOf(token: string): string {
  // The service password of the test API.
  const cookies = new SessionCookie(secretSeal(new Secret("x")));
  return cookies.keeping(new Secret(token)).split(";")[0] ?? "";
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${api.url}${path}`, { redirect: "manual", ...init });
}

const headersOf = (token: string) => ({ cookie: cookieOf(token), "x-cairn-console": "1" });
const asConsole = (token: string): RequestInit => ({ headers: headersOf(token) });

void test("pages come with a policy that lets nothing in from elsewhere", async () => {
  const page = await ask("/console/");
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  const policy = page.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|\*/);
  assert.equal(page.headers.get("cache-control"), "no-cache");
  const again = await ask("/console/", { headers: { "if-none-match": page.headers.get("etag") ?? "" } });
  assert.equal(again.status, 304);
});

void test("files named by their content are kept for ever, and are compressed", async () => {
  const script = await ask("/console/assets/main-1.js", { headers: { "accept-encoding": "gzip" } });
  assert.match(script.headers.get("cache-control") ?? "", /immutable/);
  assert.equal(script.headers.get("content-encoding"), "gzip");
  assert.match(await script.text(), /Sample page/);
  const plain = await ask("/console/assets/main-1.js", { headers: { "accept-encoding": "identity" } });
  assert.equal(plain.headers.get("content-encoding"), null);
});

void test("the folder's own address leads to its page; what is no page of the console is a 404", async () => {
  const moved = await ask("/console");
  assert.deepEqual([moved.status, moved.headers.get("location")], [308, "/console/"]);
  for (const path of ["notes.txt", "nothing.js", "..%2Fpages.ts", "assets/"]) {
    assert.equal((await ask(`/console/${path}`)).status, 404, path);
  }
});

void test("the session's cookie opens the API, but only for the console's own script", async () => {
  assert.equal((await ask(WORKLOADS, asConsole("member"))).status, 200);
  const bare = await ask(WORKLOADS, { headers: { cookie: cookieOf("member") } });
  assert.equal(bare.status, 401, "as a form or an image of another site would ask");
  assert.equal((await ask(WORKLOADS, asConsole("nobody-issued-this"))).status, 401);
});

void test("a token of Keystone goes before a cookie", async () => {
  const headers = { ...headersOf("member"), "x-auth-token": "nobody-issued-this" };
  assert.equal((await ask(WORKLOADS, { headers })).status, 401);
});

void test("the session tells who is signed in, and nothing that could be used elsewhere", async () => {
  const shown = await ask("/console/session", asConsole("member"));
  const text = await shown.text();
  const { may_not: mayNot, ...session } = JSON.parse(text) as { may_not: string[] };
  assert.deepEqual(session, {
    user: { id: "anna", name: "anna" },
    project: { id: PROJECT, name: PROJECT },
    roles: ["member"],
    is_admin: false,
    expires_at: "2999-01-01T00:00:00.000Z",
  });
  assert.ok(mayNot.includes("createPolicy") && !mayNot.includes("takeSnapshot"));
  assert.equal((await ask("/console/session", asConsole("revoked"))).status, 401);
});

void test("who has a token of Keystone is told the same, without a cookie", async () => {
  const withToken = async (token: string) => ask("/console/session", { headers: { "x-auth-token": token } });
  const shown = await withToken("member");
  assert.equal(shown.status, 200);
  assert.deepEqual(await shown.json(), await (await ask("/console/session", asConsole("member"))).json());
  assert.equal((await withToken("revoked")).status, 401);
  const both = { ...headersOf("member"), "x-auth-token": "revoked" };
  assert.equal((await ask("/console/session", { headers: both })).status, 401, "it goes before the cookie");
});

void test("the session tells what the rights in force refuse", async () => {
  api.cloud.tokens.set("reader", { userId: "rita", projectId: PROJECT, roles: ["reader"] });
  const shown = await ask("/console/session", asConsole("reader"));
  const { may_not: mayNot } = (await shown.json()) as { may_not: string[] };
  assert.ok(mayNot.includes("takeSnapshot") && !mayNot.includes("listWorkloads"));
});

void test("nobody is signed in or out from another site", async () => {
  const cookie = cookieOf("member");
  for (const method of ["GET", "POST", "PUT", "DELETE"]) {
    const refused = await ask("/console/session", { method, headers: { cookie } });
    assert.equal(refused.status, 403, method);
    assert.equal(refused.headers.get("set-cookie"), null);
  }
});

void test("a sign-in without what it needs is refused by field, and no secret is repeated", async () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, "kind"],
    [{ kind: "magic", password: "PLANTED" }, "kind"],
    [{ kind: "password", password: "PLANTED" }, "user"],
    [{ kind: "password", user: "anna", password: 7 }, "password"],
    [{ kind: "application-credential", id: "a", secret: "" }, "secret"],
  ];
  for (const [body, field] of cases) {
    const refused = await ask("/console/session", {
      method: "POST",
      headers: { "x-cairn-console": "1", "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await refused.text();
    assert.equal(refused.status, 400, text);
    assert.match(text, new RegExp(`"field":"${field}"`));
    assert.doesNotMatch(text, /PLANTED/);
  }
  assert.doesNotMatch(api.lines.join("\n"), /PLANTED/);
});

void test("a folder that holds no built console is named when the program starts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cairn-pages-"));
  try {
    const isNamed = (cause: unknown): boolean => cause instanceof Fault && cause.message.includes(folder);
    await assert.rejects(readPages(folder), isNamed);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
