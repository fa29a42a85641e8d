import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { openapi } from "./openapi.ts";
import { fullPaths, routeIds, routeOf } from "./routes.ts";

type Json = Record<string, unknown>;

const document = openapi();
const paths = document["paths"] as Record<string, Record<string, Operation>>;
const schemas = (document["components"] as { schemas: Json }).schemas;

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly responses: Record<string, { readonly description: string; readonly content?: Json }>;
  readonly requestBody?: { readonly content: Json };
  readonly security: readonly unknown[];
}

const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

const PUBLIC = new Set(
  routeIds.flatMap((id) => (routeOf(id).scope === "public" ? fullPaths(routeOf(id)) : [])),
);

void test("the committed document is the one that the table gives", async () => {
  const committed = await readFile(new URL("../../../docs/openapi.json", import.meta.url), "utf8");
  assert.equal(committed, `${JSON.stringify(document, undefined, 2)}\n`);
});

void test("every spelling of every route is in the document, once", () => {
  const wanted = routeIds.flatMap((id) => {
    const route = routeOf(id);
    return fullPaths(route).flatMap((path) =>
      route.methods.map((method) => `${method.toLowerCase()} ${path}`),
    );
  });
  assert.deepEqual(operations.map(({ path, method }) => `${method} ${path}`).toSorted(), wanted.toSorted());
  assert.equal(new Set(wanted).size, wanted.length);
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length, "operation ids are unique");
});

void test("every operation keeps the rules of OpenAPI 3.1", () => {
  assert.equal(document["openapi"], "3.1.0");
  for (const { path, method, operation } of operations) {
    const at = `${method} ${path}`;
    const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), (match) => match[1]);
    const declared = operation.parameters.filter((each) => each.in === "path");
    assert.deepEqual(
      declared.map((each) => each.name),
      inPath,
      `${at}: its path's parameters are declared`,
    );
    assert.ok(
      declared.every((each) => each.required),
      `${at}: they are required`,
    );
    const keys = operation.parameters.map((each) => `${each.in} ${each.name}`);
    assert.equal(new Set(keys).size, keys.length, `${at}: no parameter twice`);
    assert.ok(
      Object.values(operation.responses).every((each) => each.description !== ""),
      at,
    );
    assert.ok(!(method === "get" && operation.requestBody !== undefined), `${at}: GET has no body`);
    assert.equal(operation.security.length > 0, !PUBLIC.has(path), `${at}: needs a token`);
  }
});

void test("every reference leads somewhere, and every schema is one", () => {
  const text = JSON.stringify(document);
  const references = new Set(
    Array.from(text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g), (match) => match[1]),
  );
  assert.ok(references.size > 10);
  assert.deepEqual(
    [...references].filter((name) => !Object.hasOwn(schemas, name ?? "")),
    [],
  );
  for (const [name, schema] of Object.entries(schemas)) {
    assert.doesNotThrow(() => Compile({ ...(schema as TSchema), $defs: {} }), name);
  }
});
