import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ApiClient } from "@cairn/contract";
import { hasCode, Rejection } from "@cairn/kernel";
import { allOf, findRestore, findSnapshot, findWorkload } from "@cairn/sdk";
import { parseYaml } from "../mapping-file.ts";
import { parseJsonOrPython } from "../python-literal.ts";
import { type MappedWorkload, reassignMap } from "../reassign-map.ts";
import { openSession } from "../session.ts";
import type { Shell } from "../shell.ts";
import type { Given } from "./arguments.ts";
import { type Command, type Findable, isOption, type Parameter } from "./command.ts";
import { cloudFlagsOf, printOf } from "./globals.ts";
import { printed } from "./print.ts";
import { pythonString } from "./python.ts";
import { partOf } from "./reply.ts";
import { isJson, type Request, requestOf } from "./request.ts";

/** One call of a command, its arguments understood. */
export interface Performing {
  readonly command: Command;
  readonly given: Given;
  readonly values: ReadonlyMap<Parameter, unknown>;
  readonly shell: Shell;
}

/** Does what a command says: asks the API, and prints what the table wants of the reply. */
export async function perform({ command, given, values, shell }: Performing): Promise<void> {
  const read = await withFiles(command, values, shell);
  const { api } = await openSession(shell, cloudFlagsOf(given));
  const found = await withIds(api, read);
  const request = requestOf(command.fixed ?? {}, found);
  const reply = await ask(api, command, request);
  if (request.out["map"] === true) await writeMap(command, reply, shell);
  const print = printOf(given, { env: shell.env, columns: shell.out.columns });
  shell.out.write(await printed(command.result, { reply, request }, print));
}

/** Writes the map of owners that a command is told to; one that is there already may have been filled in. */
async function writeMap({ result }: Command, reply: unknown, shell: Shell): Promise<void> {
  if (result.kind !== "list" || result.map === undefined) return;
  const path = resolve(shell.cwd, result.map);
  try {
    await writeFile(path, await reassignMap(partOf(reply, result.at) as MappedWorkload[]), { flag: "wx" });
  } catch (cause) {
    if (!hasCode(cause, "EEXIST")) throw cause;
    const remedy = "Rename or remove it, and call the command again.";
    throw new Rejection(`The file ${path} exists.`, {
      status: 409,
      field: "--generate_yaml",
      value: path,
      remedy,
    });
  }
  shell.err.write(`The map to fill in is ${path}\n`);
}

/** The values, with what stands in the files that are named. */
async function withFiles(
  { fixed = {} }: Command,
  values: ReadonlyMap<Parameter, unknown>,
  shell: Shell,
): Promise<Map<Parameter, unknown>> {
  const read = new Map(values);
  for (const [parameter, value] of values) {
    if (!isFile(parameter)) continue;
    const path = String(value);
    const text = await shell.readFile(resolve(shell.cwd, path));
    if (text === undefined) {
      throw new Rejection(`The file ${path} cannot be read.`, {
        status: 400,
        field: parameter.name,
        value: path,
        remedy: `Name a file with ${isOption(parameter) ? parameter.name : `<${parameter.name}>`}.`,
      });
    }
    read.set(parameter, await contentOf({ text, path, parameter, fixed }));
  }
  return read;
}

function isFile({ value }: Parameter): boolean {
  return value === "document" || value === "contents" || value === "yaml";
}

async function contentOf(document: Document): Promise<unknown> {
  const { text, path, parameter } = document;
  if (parameter.value === "contents") return text;
  return parameter.value === "yaml" ? parseYaml(text, path) : documentOf(document);
}

interface Document {
  readonly text: string;
  readonly path: string;
  readonly parameter: Parameter;
  readonly fixed: Readonly<Record<string, unknown>>;
}

/** What a file says: the object under `options` of the request, or with the wrapping around it. */
function documentOf({ text, path, parameter, fixed }: Document): unknown {
  const content = parseJsonOrPython(text, path);
  const wrapped = partOf(content, "restore.options");
  const document = isJson(wrapped) ? wrapped : content;
  for (const [to, value] of Object.entries(fixed)) {
    if (!to.startsWith(`${parameter.to}.`)) continue;
    const field = to.slice(parameter.to.length + 1);
    const part = partOf(document, field);
    if (part === undefined) continue;
    const said = pythonString(part);
    if (said.toLowerCase() === String(value).toLowerCase()) continue;
    throw new Rejection(`${path} has ${field} ${said}, and this command is for ${String(value)}.`, {
      status: 400,
      field,
      value: said,
      remedy: "Use the command for that kind of restore, or change the file.",
    });
  }
  return document;
}

/** The values, with ids in place of names. */
async function withIds(
  api: ApiClient,
  values: ReadonlyMap<Parameter, unknown>,
): Promise<Map<Parameter, unknown>> {
  const finders: Record<Findable, (api: ApiClient, wanted: string) => Promise<string>> = {
    workload: findWorkload,
    snapshot: findSnapshot,
    restore: findRestore,
  };
  const found = new Map(values);
  for (const [parameter, value] of values) {
    if (parameter.find !== undefined) found.set(parameter, await finders[parameter.find](api, String(value)));
  }
  return found;
}

/** A call of the client whose types the table knows only by name; the client checks the reply. */
type AnyCall = (options: Readonly<Record<string, unknown>>) => Promise<unknown>;

async function ask(api: ApiClient, command: Command, request: Request): Promise<unknown> {
  const { isPaged } = await import("./description.ts");
  const call = api[command.operation] as AnyCall;
  const { path: params, query, body } = request;
  const once = async (page: Readonly<Record<string, unknown>>): Promise<unknown> =>
    call({ params, query: { ...query, ...page }, ...(body === undefined ? {} : { body }) });
  const { result } = command;
  if (result.kind !== "list" || !isPaged(command.operation)) return once({});
  const rows = await allOf(async (page) => {
    const found = partOf(await once({ ...page }), result.at);
    const items = Array.isArray(found) ? (found as unknown[]) : [];
    return items.map((item) => ({ id: String(partOf(item, result.marker ?? "id")), item }));
  });
  return { [result.at]: rows.map(({ item }) => item) };
}
