import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, Rejection } from "@cairn/kernel";
import { connectApi } from "./client.ts";
import { faultBody, parseWireTime, wireTime } from "./shapes.ts";

interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: unknown;
}

function clientOf(answer: () => Response | Promise<Response>) {
  const sent: Sent[] = [];
  const api = connectApi({
    endpoint: "http://cairn.example:8780/v1/p1/",
    token: async () => "secret",
    fetch: async (url, init) => {
      const body: unknown = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
      sent.push({
        url: new Request(url).url,
        method: init?.method ?? "",
        headers: new Headers(init?.headers),
        body,
      });
      return answer();
    },
  });
  return { api, sent };
}

const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });

void test("a call is the route's preferred spelling, with token, query and body", async () => {
  const { api, sent } = clientOf(() => json({}, 202));
  await api.deleteWorkload({ params: { workload_id: "a/b" }, query: { database_only: true } });
  assert.equal(sent[0]?.url, "http://cairn.example:8780/v1/p1/workloads/a%2Fb?database_only=true");
  assert.equal(sent[0].method, "DELETE");
  assert.equal(sent[0].headers.get("x-auth-token"), "secret");
});

void test("the nested path is taken when its parts are known, the flat one otherwise", async () => {
  const { api, sent } = clientOf(() => json({}, 202));
  const body = {
    restore: {
      options: {
        type: "openstack" as const,
        restore_type: "oneclick" as const,
        oneclickrestore: true,
        openstack: { instances: [], restore_topology: false, networks_mapping: { networks: [] } },
      },
    },
  };
  await assert.rejects(api.createRestore({ params: { snapshot_id: "s" }, body }));
  await assert.rejects(api.createRestore({ params: { snapshot_id: "s", workload_id: "w" }, body }));
  assert.deepEqual(
    sent.map((each) => new URL(each.url).pathname),
    ["/v1/p1/snapshots/s", "/v1/p1/workloads/w/snapshots/s/restores"],
  );
  assert.deepEqual(sent[0]?.body, body);
});

void test("public routes lie at the root and send no token", async () => {
  const { api, sent } = clientOf(() => json({ versions: [] }));
  assert.deepEqual(await api.listVersions(), { versions: [] });
  assert.equal(sent[0]?.url, "http://cairn.example:8780/");
  assert.equal(sent[0].headers.get("x-auth-token"), null);
});

void test("a refusal arrives with its status, field, value and remedy", async () => {
  const detail = { code: 409, message: "It is locked.", field: "status", value: "locked", remedy: "Wait." };
  const { api } = clientOf(() => json(faultBody(detail), 409));
  await assert.rejects(api.listWorkloads(), (error: unknown) => {
    assert.ok(error instanceof Rejection);
    assert.deepEqual(
      [error.status, error.message, error.field, error.value],
      [409, "It is locked.", "status", "locked"],
    );
    assert.equal(error.remedy, "Wait.");
    return true;
  });
});

void test("a refusal that is not in Cairn's shape names the address and says what to check", async () => {
  const { api } = clientOf(() => new Response("<html>nothing here</html>", { status: 404 }));
  await assert.rejects(api.listWorkloads(), (error: unknown) => {
    assert.ok(error instanceof Rejection);
    assert.equal(error.message, "GET http://cairn.example:8780/v1/p1/workloads was answered with HTTP 404");
    assert.equal(error.remedy, "Check that the endpoint is the address of Cairn's API.");
    return true;
  });
});

void test("an API that is away, a proxy's page, a reply off the contract: faults, not refusals", async () => {
  const codes: [() => Response | Promise<Response>, string][] = [
    [() => Promise.reject(new TypeError("fetch failed")), "api-unreachable"],
    [() => new Response("<html>busy</html>", { status: 503 }), "api-unavailable"],
    [() => json(faultBody({ code: 500, message: "oops" }), 500), "api-failed"],
    [() => json({ workloads: [{ id: 7 }] }), "api-reply"],
    [() => new Response("hello"), "api-reply"],
  ];
  for (const [answer, code] of codes) {
    await assert.rejects(
      clientOf(answer).api.listWorkloads(),
      (error: unknown) => error instanceof Fault && error.code === code,
      code,
    );
  }
});

void test("the caller's wish to stop is passed on untouched", async () => {
  const stop = new AbortController();
  const reason = new Error("enough");
  stop.abort(reason);
  const { api } = clientOf(() => Promise.reject(new Error("aborted")));
  await assert.rejects(api.listWorkloads({ signal: stop.signal }), (error: unknown) => error === reason);
});

void test("times on the wire have microseconds and no zone, and read back", () => {
  assert.equal(wireTime(0), "1970-01-01T00:00:00.000000");
  assert.equal(parseWireTime(wireTime(1_234_567)), 1_234_567);
  for (const text of ["2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5"]) {
    assert.notEqual(parseWireTime(text), undefined, text);
  }
  for (const text of ["", "yesterday", "2026-13-01T00:00:00", "2026-01-01", "2026-01-01T00:00:00+02:00"]) {
    assert.equal(parseWireTime(text), undefined, text);
  }
});
