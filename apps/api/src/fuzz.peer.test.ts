import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fullPath, type Method, type RouteId, routeIds, routeOf } from "@cairn/contract";
import { emptyTables, fingerprintTables } from "@cairn/database";
import { fakeId } from "./fake-openstack.ts";
import { type Chance, chanceOf, FORMS, type Form, fuzzedBody, type Known, oddText } from "./fuzz-bodies.ts";
import { makeSampleSnapshot, NETWORK, SUBNET, VOLUME, WEB } from "./sample-snapshot.ts";
import { startTestApi, type TestApi } from "./test-api.ts";

/*
 * Whatever is sent to any route: no 500, no stack trace, and a refused request has changed nothing.
 *
 *   CAIRN_FUZZ_SEED=7 CAIRN_FUZZ_ROUNDS=100000 node --test apps/api/src/fuzz.peer.test.ts
 *
 * Each round stands for itself; a failure names the line that does it again.
 */

const PROJECT = "1".repeat(32);
const SEED = Number(process.env["CAIRN_FUZZ_SEED"] ?? 1);
const FIRST = Number(process.env["CAIRN_FUZZ_FROM"] ?? 0);
const ROUNDS = process.env["CAIRN_FUZZ_ROUNDS"];
/** Without a number of rounds: once each operation, then as many as this time allows. */
const TIME_MS = 10_000;
/** The audit log tells of refused requests: that is what it is for. */
const UNWATCHED = ["audit_inbox", "audit_log"];

let api: TestApi;
let ids: { readonly workloadId: string; readonly snapshotId: string };

before(async () => {
  api = await startTestApi(process.env);
  const { cloud } = api;
  cloud.tokens.set("member", { userId: "anna", projectId: PROJECT, roles: ["member"] });
  cloud.tokens.set("admin", { userId: "root", projectId: PROJECT, roles: ["admin", "member"] });
  cloud.networks.set(NETWORK, [SUBNET]);
  cloud.flavors.set("small", { ram: 64, disk: 2 });
  cloud.cinder.volumeTypes.push("nfs");
  await startAnew();
});

after(async () => {
  await api[Symbol.asyncDispose]();
});

/** The state that every round begins with. */
async function startAnew(): Promise<void> {
  await emptyTables(api.database.handle, UNWATCHED);
  api.cloud.servers.clear();
  for (const [id, volumes] of [[WEB, [VOLUME]] as const, [fakeId("free"), []] as const]) {
    api.cloud.servers.set(id, { name: `i-${id}`, projectId: PROJECT, metadata: {}, volumes });
  }
  api.cloud.cinder.volumes.set(VOLUME, { projectId: PROJECT, sizeGiB: 1 });
  ids = await makeSampleSnapshot(api.database, { projectId: PROJECT, userId: "anna" });
}

interface Operation {
  readonly id: RouteId;
  readonly method: Method;
  readonly path: string;
}

const operations: readonly Operation[] = routeIds.flatMap((id) => {
  const route = routeOf(id);
  // A body can be wrong in more ways than a path.
  const times = route.body === undefined ? 1 : FORMS.length;
  const each = route.paths.flatMap((path) => route.methods.map((method) => ({ id, method, path })));
  return Array.from({ length: times }, () => each).flat();
});

function knownValues(): Known {
  const some = [ids.workloadId, ids.snapshotId, WEB, VOLUME, NETWORK, fakeId("free"), "none"] as const;
  return {
    id: some,
    instances: [[WEB], [{ "instance-id": fakeId("free") }]],
    "instance-id": [fakeId("free"), WEB],
    restore_type: ["oneclick", "selective", "inplace"],
    interval: ["24 hrs", "1"],
    timezone: ["UTC", "Europe/Rome", "Mars/Olympus"],
    days: [["weekday"], ["mon", "sun"]],
    from: ["20:00"],
    to: ["06:00"],
    jobschedule: [
      {},
      { enabled: "True", interval: "5", retention_policy_value: "3" },
      { enabled: true, hourly: { interval: 4, retention: 3 } },
    ],
    metadata: [{}, { key: "value" }],
    subject: ["h1", null],
  };
}

interface Asked {
  readonly method: Method;
  readonly url: string;
  readonly token: string;
  readonly body: string | undefined;
}

function requestOf({ id, method, path }: Operation, form: Form, chance: Chance): Asked {
  const known = knownValues();
  const route = routeOf(id);
  const filled = fullPath(route, path).replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === "project_id" ? PROJECT : encodeURIComponent(pathValue(name, chance)),
  );
  const query = chance.below(3) === 0 ? `?${queryOf(id, chance)}` : "";
  return {
    method,
    url: `${api.url}${filled}${query}`,
    token: chance.of(["member", "admin"]),
    body: method === "GET" ? undefined : fuzzedBody(route.body, form, known, chance),
  };
}

function pathValue(name: string, chance: Chance): string {
  const right: Readonly<Record<string, string>> = {
    workload_id: ids.workloadId,
    snapshot_id: ids.snapshotId,
  };
  const odd = oddText(chance).toWellFormed();
  // An empty part is another path.
  return chance.below(5) > 0 ? (right[name] ?? fakeId(name)) : odd.trim() === "" ? "x" : odd;
}

function queryOf(id: RouteId, chance: Chance): string {
  const { query } = routeOf(id);
  const properties = "properties" in query ? Object.keys(query.properties as object) : [];
  const names: [string, ...string[]] = ["x", ...properties];
  const pairs = Array.from({ length: 1 + chance.below(3) }, () => {
    const value = chance.of(["1", "True", "0", "-1", "1000", "nothing", oddText(chance).toWellFormed()]);
    return `${encodeURIComponent(chance.of(names))}=${encodeURIComponent(value)}`;
  });
  return pairs.join("&");
}

const answers = { accepted: 0, refused: 0 };

const STACK = /\n\s+at |\.ts:\d+|node_modules|node:internal/;

/**
 * What a refusal does not tell: every one has a message and a remedy, and what is wrong with the input, or
 * with the state of a thing, has a name and a value. Rights are about the caller and the whole request.
 */
function lackingIn(text: string, status: number): string {
  const [detail = {}] = Object.values(JSON.parse(text) as Record<string, Record<string, unknown>>);
  const isOfCaller = status === 401 || status === 403;
  const wanted = isOfCaller ? ["message", "remedy"] : ["message", "field", "value", "remedy"];
  return wanted.filter((name) => !(name in detail) || (detail[name] === "" && name !== "value")).join(", ");
}

/** What is wrong with the answer to one round's request; `undefined`: nothing. */
async function wrongIn(round: number): Promise<string | undefined> {
  const chance = chanceOf(SEED * 1_000_003 + round);
  const operation = operations[round % operations.length];
  assert.ok(operation !== undefined);
  const form = FORMS[Math.floor(round / 3 + chance.below(FORMS.length)) % FORMS.length] ?? "valid";
  const asked = requestOf(operation, form, chance);
  const before = await fingerprintTables(api.database.handle, UNWATCHED);
  const response = await fetch(asked.url, {
    method: asked.method,
    headers: { "x-auth-token": asked.token, "content-type": "application/json" },
    ...(asked.body === undefined ? {} : { body: asked.body }),
  });
  const text = await response.text();
  const after = await fingerprintTables(api.database.handle, UNWATCHED);
  // There is no engine here: what needs one says that it goes on, and asking again is the same request.
  const goesOn = response.status === 503 && text.includes('"field":"progress"');
  const isRefused = response.status >= 400 && !goesOn;
  answers[isRefused ? "refused" : "accepted"] += 1;
  if (!isRefused && before !== after) await startAnew();
  const lacking = isRefused && response.status < 500 ? lackingIn(text, response.status) : "";
  const problem =
    response.status >= 500 && !goesOn
      ? `answered ${response.status}: ${text.slice(0, 300)}\n${api.lines.at(-2)?.slice(0, 1500) ?? ""}`
      : STACK.test(text)
        ? `a stack trace: ${text.slice(0, 500)}`
        : isRefused && before !== after
          ? `refused with ${response.status}, and changed the database: ${text.slice(0, 300)}`
          : lacking !== ""
            ? `refused with ${response.status} without ${lacking}: ${text.slice(0, 300)}`
            : undefined;
  if (problem === undefined) return undefined;
  await startAnew();
  const again = `CAIRN_FUZZ_SEED=${SEED} CAIRN_FUZZ_FROM=${round} CAIRN_FUZZ_ROUNDS=1`;
  const body = asked.body?.slice(0, 300) ?? "no body";
  return [
    `${asked.method} ${asked.url.slice(api.url.length)} (${form}): ${problem}`,
    `  body: ${body}`,
    `  ${again} node --test apps/api/src/fuzz.peer.test.ts`,
  ].join("\n");
}

const WRONG_MAX = 10;

void test("whatever is sent to any route: no 500, no trace, and a refusal changes nothing", async (t) => {
  const wrong: string[] = [];
  const endMs = performance.now() + TIME_MS;
  const rounds = ROUNDS === undefined ? Number.POSITIVE_INFINITY : Number(ROUNDS);
  let done = 0;
  const mayGoOn = (): boolean =>
    ROUNDS === undefined ? done < operations.length || performance.now() < endMs : done < rounds;
  while (mayGoOn() && wrong.length < WRONG_MAX) {
    const found = await wrongIn(FIRST + done);
    if (found !== undefined) wrong.push(found);
    done += 1;
  }
  const { accepted, refused } = answers;
  t.diagnostic(`${done} requests, seed ${SEED}: ${accepted} accepted, ${refused} refused`);
  const isWhole = done >= operations.length;
  assert.ok(!isWhole || (accepted > 20 && refused > 20), "both ways were gone");
  assert.deepEqual(wrong.join("\n\n"), "");
});
