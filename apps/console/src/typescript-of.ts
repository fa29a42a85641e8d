/** A JSON Schema as `docs/openapi.json` has them. */
export interface Schema {
  readonly $ref?: string;
  readonly const?: unknown;
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Operation {
  /** A spelling of another one, for old clients. */
  readonly deprecated?: boolean;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

/** As much of an OpenAPI document as types are made of. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const PROJECT = "/v1/{project_id}";

/**
 * A module with the types of a document: `Schemas` by name, and `Api` by method and path below the project.
 * What is no request about a project, and what is a second spelling, is left out.
 */
export function moduleOf({ paths, components }: Document): string {
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `  readonly ${name}: ${typeOf(schema, 1)};`,
  );
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      operation.deprecated === true || !path.startsWith(PROJECT)
        ? []
        : [`  readonly ${keyOf(method, path)}: ${operationType(operation)};`],
    ),
  );
  return [
    "// Made by apps/console/src/generate.ts of docs/openapi.json; not to be edited.",
    "",
    "export interface Schemas {",
    ...schemas,
    "}",
    "",
    "export interface Api {",
    ...operations,
    "}",
    "",
  ].join("\n");
}

function keyOf(method: string, path: string): string {
  return JSON.stringify(`${method.toUpperCase()} ${path.slice(PROJECT.length)}`);
}

function operationType({ parameters = [], requestBody, responses }: Operation): string {
  const inQuery = parameters.filter((parameter) => parameter.in === "query");
  const query: Schema = {
    type: "object",
    properties: Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema])),
  };
  const reply = Object.entries(responses).find(([status]) => status !== "default")?.[1];
  const lines = [
    `    readonly query: ${typeOf(query, 2)};`,
    ...(requestBody === undefined ? [] : [`    readonly body: ${contentType(requestBody)};`]),
    `    readonly reply: ${reply === undefined ? "undefined" : contentType(reply)};`,
  ];
  return `{\n${lines.join("\n")}\n  }`;
}

function contentType({ content }: Content): string {
  const schema = content?.["application/json"]?.schema;
  return schema === undefined ? "undefined" : typeOf(schema, 2);
}

/** `depth`: how far the line that it stands in is indented, in steps of two. */
function typeOf(schema: Schema, depth: number): string {
  if (schema.$ref !== undefined) return `Schemas["${schema.$ref.split("/").at(-1) ?? ""}"]`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf !== undefined) return unionOf(schema.anyOf, depth);
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `readonly (${schema.items === undefined ? "unknown" : typeOf(schema.items, depth)})[]`;
    case "object":
      return objectOf(schema, depth);
    case undefined:
    default:
      return "unknown";
  }
}

function unionOf(members: readonly Schema[], depth: number): string {
  const types = [...new Set(members.map((member) => typeOf(member, depth + 1)))];
  if (types.length < 3) return types.join(" | ");
  const indent = "  ".repeat(depth + 1);
  return types.map((type) => `\n${indent}| ${type}`).join("");
}

function objectOf({ properties, required = [], ...schema }: Schema, depth: number): string {
  const others = schema.additionalProperties ?? Object.values(schema.patternProperties ?? {})[0];
  const indent = "  ".repeat(depth + 1);
  const lines = Object.entries(properties ?? {}).map(([name, property]) => {
    const mark = required.includes(name) ? "" : "?";
    return `${indent}readonly ${JSON.stringify(name)}${mark}: ${typeOf(property, depth + 1)};`;
  });
  if (others !== undefined) lines.push(`${indent}readonly [name: string]: ${typeOf(others, depth + 1)};`);
  if (lines.length === 0) return "Readonly<Record<string, never>>";
  return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}
