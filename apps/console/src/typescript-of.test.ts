import assert from "node:assert/strict";
import { test } from "node:test";
import { type Document, moduleOf, type Schema } from "./typescript-of.ts";

function typeOf(schema: Schema): string {
  const text = moduleOf({ paths: {}, components: { schemas: { It: schema } } });
  return /readonly It: ([^]*?);\n\}/.exec(text)?.[1] ?? "";
}

void test("each kind of schema is the type of what it admits", () => {
  const cases: readonly (readonly [Schema, string])[] = [
    [{ type: "string" }, "string"],
    [{ type: "integer" }, "number"],
    [{ type: "string", const: "full" }, '"full"'],
    [{}, "unknown"],
    [{ $ref: "#/components/schemas/Progress" }, 'Schemas["Progress"]'],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, "string | null"],
    [{ type: "array", items: { type: "boolean" } }, "readonly (boolean)[]"],
    [{ type: "object" }, "Readonly<Record<string, never>>"],
    [{ type: "object", patternProperties: { "^.*$": {} } }, "{\n    readonly [name: string]: unknown;\n  }"],
  ];
  for (const [schema, expected] of cases) assert.equal(typeOf(schema), expected);
});

void test("a field that is not required may be absent", () => {
  const schema = {
    type: "object",
    required: ["id"],
    properties: { id: { type: "string" }, "instance-id": { type: "string" } },
  };
  assert.equal(typeOf(schema), '{\n    readonly "id": string;\n    readonly "instance-id"?: string;\n  }');
});

const small: Document = {
  paths: {
    "/": { get: { responses: {} } },
    "/v1/{project_id}/things/{thing_id}": {
      get: {
        parameters: [
          { name: "thing_id", in: "path", schema: { type: "string" } },
          { name: "limit", in: "query", schema: { type: "integer" } },
        ],
        responses: {
          "200": { content: { "application/json": { schema: { type: "string" } } } },
          default: { content: { "application/json": { schema: { type: "null" } } } },
        },
      },
      post: { deprecated: true, responses: {} },
      delete: { responses: { "204": {} } },
    },
  },
  components: { schemas: {} },
};

void test("requests about a project are there by method and path, once each, with what they answer", () => {
  const text = moduleOf(small);
  assert.match(
    text,
    /readonly "GET \/things\/\{thing_id\}": \{\n {4}readonly query: \{\n {6}readonly "limit"\?: number;/,
  );
  assert.match(text, /readonly reply: string;/);
  assert.match(text, /readonly "DELETE \/things\/\{thing_id\}": \{[^]*readonly reply: undefined;/);
  assert.doesNotMatch(text, /POST/);
  assert.doesNotMatch(text, /"GET \/":/);
});
