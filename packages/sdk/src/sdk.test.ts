import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiClient } from "@cairn/contract";
import { type Clock, Fault, Rejection, systemClock } from "@cairn/kernel";
import { findWorkload, isNotFound, only } from "./names.ts";
import { allOf, type Page, rowsOf } from "./paging.ts";
import { looks, waitForSnapshot } from "./waiting.ts";

const ROWS = Array.from({ length: 1203 }, (_, at) => ({ id: `w${at}`, name: `name-${at % 1200}` }));

/** Pages of the rows, and what was asked for. */
function paged(asked: Page[]) {
  return (page: Page) => {
    asked.push(page);
    const from = page.marker === undefined ? 0 : ROWS.findIndex(({ id }) => id === page.marker) + 1;
    return Promise.resolve(ROWS.slice(from, from + page.limit));
  };
}

void test("a list is read page by page, each row once, and no page before it is wanted", async () => {
  const asked: Page[] = [];
  assert.deepEqual(await allOf(paged(asked)), ROWS);
  assert.deepEqual(asked, [{ limit: 500 }, { limit: 500, marker: "w499" }, { limit: 500, marker: "w999" }]);
  asked.length = 0;
  for await (const { id } of rowsOf(paged(asked))) if (id === "w3") break;
  assert.equal(asked.length, 1);
  asked.length = 0;
  assert.equal((await allOf(paged(asked), 501)).length, 501);
  assert.deepEqual(asked.at(-1), { limit: 1, marker: "w499" });
});

void test("a name finds one id; none and several are refused with what to do", () => {
  assert.equal(only("workload", "name-7", ROWS), "w7");
  assert.equal(only("workload", "w7", ROWS), "w7");
  assert.throws(
    () => only("workload", "gone", ROWS),
    (error) => isNotFound(error) && /No workload with a name or ID of 'gone' exists/.test(String(error)),
  );
  assert.throws(
    () => only("workload", "name-1", ROWS),
    (error) => error instanceof Rejection && /ids w1, w1201/.test(error.remedy),
  );
});

void test("an id needs no list", async () => {
  const id = "11111111-1111-4111-8111-111111111111";
  assert.equal(await findWorkload({} as ApiClient, id), id);
});

/** A clock on which a wait is over at once. */
function fastClock(): Clock & { waited: number } {
  const clock = {
    ...systemClock,
    waited: 0,
    now: () => clock.waited,
    sleep: (ms: number) => {
      clock.waited += ms;
      return Promise.resolve();
    },
  };
  return clock;
}

/** An API that shows one snapshot in a row of statuses, or is away. */
function apiShowing(statuses: (string | Error)[]): ApiClient {
  const showSnapshot = () => {
    const next = statuses.shift() ?? new Rejection("gone", { status: 404, remedy: "Look elsewhere." });
    return next instanceof Error ? Promise.reject(next) : Promise.resolve({ snapshot: { status: next } });
  };
  return { showSnapshot } as unknown as ApiClient;
}

const AWAY = new Fault("api-unreachable", "calling the API", "later");

void test("waiting ends as the snapshot ends, and passes over an API that is away", async () => {
  for (const end of ["available", "error", "cancelled"]) {
    const clock = fastClock();
    const seen: string[] = [];
    const snapshot = await waitForSnapshot(apiShowing(["executing", AWAY, "uploading", end]), "s1", {
      clock,
      onLook: ({ status }) => seen.push(status),
    });
    assert.equal(snapshot.status, end);
    assert.deepEqual(seen, ["executing", "uploading", end]);
    assert.equal(clock.waited, 3000);
  }
});

void test("waiting ends with a refusal, with a signal, and when nobody answers for a minute", async () => {
  const clock = fastClock();
  await assert.rejects(waitForSnapshot(apiShowing(["executing"]), "s1", { clock }), /^Rejection: gone/);
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(waitForSnapshot(apiShowing(["executing"]), "s1", { clock, signal }), /enough/);
  const away = looks(() => Promise.reject(AWAY), { title: "snapshot s1", clock: fastClock() });
  await assert.rejects(away.next(), /waiting for snapshot s1/);
});
