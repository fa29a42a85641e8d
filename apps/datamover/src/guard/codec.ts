import { Fault } from "@cairn/kernel";
import { type Fields, fieldsOf, numberField, optionalNumber, optionalText, textField } from "../host/json.ts";
import type { ProcessIdentity } from "../host/process-identity.ts";
import type { GuardedFreeze, GuardedPoint, GuardReach } from "./port.ts";

/** Both ends are of one installation, but a guard may outlive its datamover's upgrade. */
export const GUARD_PROTOCOL_VERSION = 2;
/** No message has more than a few hundred bytes. */
const LINE_CHARACTERS_MAX = 64 * 1024;

/** What a guard is told first. */
export interface GuardSettings {
  /** Who is guarded from, and is ended where nothing else saves a guest. */
  readonly datamover: ProcessIdentity;
  readonly scratchPath: string;
  /** Free bytes of scratch below which points are given up. */
  readonly reserveBytes: number;
  /** What one point may use of scratch; 0: as much as there is. */
  readonly budgetBytes: number;
  /** How often scratch is looked at while points are open. */
  readonly intervalMs: number;
  /** A datamover that said nothing for so long has its points given up. */
  readonly silenceMs: number;
}

/** A line from the datamover to its guard. */
export type ToGuard =
  | { readonly type: "hello"; readonly version: number; readonly settings: GuardSettings }
  | { readonly type: "alive" }
  | { readonly type: "watch"; readonly point: GuardedPoint }
  | { readonly type: "confirm"; readonly id: string }
  | { readonly type: "thresholds"; readonly id: string; readonly devices: readonly string[] }
  /** How many readers of the point are connected to QEMU's NBD server, or about to be. */
  | { readonly type: "readers"; readonly id: string; readonly open: number }
  | { readonly type: "release"; readonly id: string }
  | { readonly type: "freeze"; readonly freeze: GuardedFreeze }
  | { readonly type: "thawed"; readonly id: string };

/** Why the guard gave a point up. */
export type GivenUp =
  | { readonly kind: "reserve"; readonly freeBytes: number; readonly reserveBytes: number }
  | { readonly kind: "budget"; readonly usedBytes: number; readonly budgetBytes: number }
  | { readonly kind: "threshold"; readonly device: string }
  | { readonly kind: "unusable"; readonly why: string }
  | { readonly kind: "silence"; readonly silentMs: number };

/** A line from the guard to its datamover. */
export type FromGuard =
  | { readonly type: "ready"; readonly version: number }
  /** Answers the datamover's `alive`: each of the two notices when the other one hangs. */
  | { readonly type: "alive" }
  | { readonly type: "watched" | "confirmed" | "released"; readonly id: string }
  | { readonly type: "given-up"; readonly id: string; readonly because: GivenUp }
  /** The point has been taken down; or that failed, and is tried again. */
  | { readonly type: "aborted"; readonly id: string; readonly resumed: boolean }
  | { readonly type: "abort-failed"; readonly id: string; readonly why: string }
  | { readonly type: "freeze-watched"; readonly id: string }
  | { readonly type: "thaw-known"; readonly id: string; readonly by: "datamover" | "guard" };

/** The other end speaks another language: the channel cannot be used any more. */
export class GuardProtocolFault extends Fault {
  constructor(message: string, cause?: unknown) {
    super("guard-protocol", message, "later", cause);
    this.name = "GuardProtocolFault";
  }
}

/** A message as one line. */
export function encodeLine(message: ToGuard | FromGuard): string {
  return `${JSON.stringify(message)}\n`;
}

/** Cuts text that arrives in parts into lines. */
export class LineCutter {
  #rest = "";

  /** The lines that this part completes. */
  cut(part: string): readonly string[] {
    const [first = "", ...others] = part.split("\n");
    const lines = [this.#rest + first, ...others];
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > LINE_CHARACTERS_MAX) throw new GuardProtocolFault("a line without an end");
    return lines;
  }
}

/** A line from the datamover; anything that is none is a `GuardProtocolFault`. */
export function decodeToGuard(line: string): ToGuard {
  return decode(line, readToGuard);
}

/** A line from the guard; anything that is none is a `GuardProtocolFault`. */
export function decodeFromGuard(line: string): FromGuard {
  return decode(line, readFromGuard);
}

function decode<Message>(line: string, read: (fields: Fields) => Message | undefined): Message {
  let message: Message | undefined;
  try {
    message = read(fieldsOf(JSON.parse(line)));
  } catch (cause) {
    throw new GuardProtocolFault(`reading the line ${line.slice(0, 200)}`, cause);
  }
  if (message === undefined) throw new GuardProtocolFault(`not a message: ${line.slice(0, 200)}`);
  return message;
}

const FROM = "a line of the guard's channel";

function readToGuard(fields: Fields): ToGuard | undefined {
  const type = fields["type"];
  switch (type) {
    case "hello":
      return { type, version: numberField(fields, "version", FROM), settings: readSettings(fields) };
    case "alive":
      return { type };
    case "watch":
      return { type, point: readPoint(fieldsOf(fields["point"])) };
    case "thresholds":
      return { type, id: idOf(fields), devices: readDevices(fields["devices"]) };
    case "readers":
      return { type, id: idOf(fields), open: numberField(fields, "open", FROM) };
    case "confirm":
    case "release":
    case "thawed":
      return { type, id: idOf(fields) };
    case "freeze":
      return { type, freeze: readFreeze(fieldsOf(fields["freeze"])) };
  }
  return undefined;
}

function readFromGuard(fields: Fields): FromGuard | undefined {
  const type = fields["type"];
  switch (type) {
    case "ready":
      return { type, version: numberField(fields, "version", FROM) };
    case "alive":
      return { type };
    case "watched":
    case "confirmed":
    case "released":
    case "freeze-watched":
      return { type, id: idOf(fields) };
    case "given-up":
      return { type, id: idOf(fields), because: readGivenUp(fieldsOf(fields["because"])) };
    case "aborted":
      return { type, id: idOf(fields), resumed: fields["resumed"] === true };
    case "abort-failed":
      return { type, id: idOf(fields), why: optionalText(fields, "why") ?? "" };
    case "thaw-known":
      return { type, id: idOf(fields), by: fields["by"] === "datamover" ? "datamover" : "guard" };
  }
  return undefined;
}

function readSettings(hello: Fields): GuardSettings {
  const fields = fieldsOf(hello["settings"]);
  const number = (name: string): number => numberField(fields, name, FROM);
  return {
    datamover: readProcess(fieldsOf(fields["datamover"])),
    scratchPath: textField(fields, "scratchPath", FROM),
    reserveBytes: number("reserveBytes"),
    budgetBytes: number("budgetBytes"),
    intervalMs: number("intervalMs"),
    silenceMs: number("silenceMs"),
  };
}

function readPoint(fields: Fields): GuardedPoint {
  return {
    instanceId: plainId(fields, "instanceId"),
    snapshotId: plainId(fields, "snapshotId"),
    reach: readReach(fieldsOf(fields["reach"])),
  };
}

function readFreeze(fields: Fields): GuardedFreeze {
  const place = readPlace(fieldsOf(fields["place"]));
  return {
    instanceId: plainId(fields, "instanceId"),
    place,
    withinMs: numberField(fields, "withinMs", FROM),
  };
}

function readReach(fields: Fields): GuardReach {
  const kind = textField(fields, "kind", FROM);
  if (kind === "libvirt")
    return { kind, place: readPlace(fieldsOf(fields["place"])), wasPaused: fields["wasPaused"] === true };
  if (kind !== "qemu-folder") throw new GuardProtocolFault(`a hypervisor of kind ${kind}`);
  const qemu = readProcess(fieldsOf(fields["qemu"]));
  return { kind, monitor: textField(fields, "monitor", FROM), qemu };
}

function readProcess(fields: Fields): ProcessIdentity {
  return { pid: numberField(fields, "pid", FROM), startTicks: textField(fields, "startTicks", FROM) };
}

function readPlace(fields: Fields): GuardedFreeze["place"] {
  return { socket: textField(fields, "socket", FROM), uri: textField(fields, "uri", FROM) };
}

function readDevices(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw new GuardProtocolFault("thresholds without devices");
  return value.map(String);
}

function readGivenUp(fields: Fields): GivenUp {
  const kind = textField(fields, "kind", FROM);
  const number = (name: string): number => numberField(fields, name, FROM);
  switch (kind) {
    case "reserve":
      return { kind, freeBytes: number("freeBytes"), reserveBytes: number("reserveBytes") };
    case "budget":
      return { kind, usedBytes: number("usedBytes"), budgetBytes: number("budgetBytes") };
    case "threshold":
      return { kind, device: textField(fields, "device", FROM) };
    case "unusable":
      return { kind, why: optionalText(fields, "why") ?? "" };
    case "silence":
      return { kind, silentMs: optionalNumber(fields, "silentMs") ?? 0 };
    default:
      throw new GuardProtocolFault(`given up because of ${kind}`);
  }
}

function idOf(fields: Fields): string {
  return textField(fields, "id", FROM);
}

/** Ids become names of folders and of things in QEMU: nothing else may hide in them. */
function plainId(fields: Fields, name: string): string {
  const id = textField(fields, name, FROM);
  if (/^[a-z0-9-]{8,64}$/.test(id)) return id;
  throw new GuardProtocolFault(`${name} is ${id.slice(0, 80)}`);
}
