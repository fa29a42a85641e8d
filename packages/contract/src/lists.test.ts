import assert from "node:assert/strict";
import { test } from "node:test";
import { type RouteId, routeIds, routeOf } from "./routes.ts";

/** Lists without pages, each with the reason. */
const WHOLE: Partial<Record<RouteId, string>> = {
  listVersions: "one row",
  listWorkloadTypes: "two rows, the same in every installation",
  listQuotaTypes: "a row for each type of quota, the same in every installation",
  showQuotaType: "one row, in a list because clients expect one",
  listQuotas: "a row for each type of quota",
  showQuotaUsage: "a row for each type of quota",
  showStorageUsage: "a row for each backup target: what a page of targets would not add up",
  testEmail: "the recipients of one mail",
};

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

function propertiesOf(schema: unknown): Readonly<Record<string, Schema>> {
  return (schema as Schema | undefined)?.properties ?? {};
}

/** Every operation that is asked for by GET and answers a list, by the table of routes. */
const LISTS = routeIds.filter((id) => {
  const { methods, reply } = routeOf(id);
  const isGet = (methods as readonly string[]).includes("GET");
  return isGet && Object.values(propertiesOf(reply)).some(({ type }) => type === "array");
});

void test("there are as many lists as the table of routes has", () => {
  assert.ok(LISTS.length >= 25, String(LISTS.length));
  assert.deepEqual(
    Object.keys(WHOLE).filter((id) => !LISTS.includes(id as RouteId)),
    [],
  );
});

for (const id of LISTS.filter((each) => WHOLE[each] === undefined)) {
  void test(`${id} is paged by limit and marker`, () => {
    const { limit, marker } = propertiesOf(routeOf(id).query);
    assert.equal(limit?.type, "integer");
    assert.notEqual(marker, undefined);
  });
}
