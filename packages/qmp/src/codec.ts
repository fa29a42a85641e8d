import { asError } from "@cairn/kernel";
import { QmpProtocolFault } from "./faults.ts";

/** One thing that QEMU says on its monitor (docs/interop/qmp-spec.txt in QEMU's source). */
export type QmpMessage =
  | { readonly kind: "greeting"; readonly version: string; readonly capabilities: readonly string[] }
  | { readonly kind: "return"; readonly id: number; readonly value: unknown }
  | {
      readonly kind: "error";
      readonly id: number | undefined;
      readonly qmpClass: string;
      readonly reason: string;
    }
  | { readonly kind: "event"; readonly event: QmpEvent };

/** Something that happened in QEMU without being asked for. */
export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** QEMU's own clock, milliseconds since 1970. */
  readonly atMs: number;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** A command as one line of QMP. */
export function encodeCommand(id: number, command: string, commandArguments?: Fields): string {
  return `${JSON.stringify({ execute: command, arguments: commandArguments, id })}\n`;
}

/** One line of QMP as a message; throws `QmpProtocolFault` when it is none. */
export function decodeMessage(line: string): QmpMessage {
  const fields = parseFields(line);
  if (isFields(fields["QMP"])) return decodeGreeting(fields["QMP"]);
  if (typeof fields["event"] === "string")
    return { kind: "event", event: decodeEvent(fields["event"], fields) };
  const id = typeof fields["id"] === "number" ? fields["id"] : undefined;
  if (isFields(fields["error"])) {
    const { class: qmpClass, desc } = fields["error"];
    return { kind: "error", id, qmpClass: textOf(qmpClass), reason: textOf(desc) };
  }
  if ("return" in fields && id !== undefined) return { kind: "return", id, value: fields["return"] };
  throw new QmpProtocolFault(`monitor said something that is not QMP: ${line.slice(0, 200)}`);
}

function parseFields(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new QmpProtocolFault(
      `monitor said something that is not JSON: ${line.slice(0, 200)}`,
      asError(cause),
    );
  }
  if (!isFields(value))
    throw new QmpProtocolFault(`monitor said something that is not an object: ${line.slice(0, 200)}`);
  return value;
}

function decodeGreeting(greeting: Fields): QmpMessage {
  const version = isFields(greeting["version"]) ? greeting["version"] : {};
  const qemu = isFields(version["qemu"]) ? version["qemu"] : {};
  const numbers = ["major", "minor", "micro"].map((part) =>
    typeof qemu[part] === "number" ? qemu[part] : 0,
  );
  const capabilities = Array.isArray(greeting["capabilities"]) ? greeting["capabilities"].map(textOf) : [];
  return { kind: "greeting", version: numbers.join("."), capabilities };
}

function decodeEvent(name: string, fields: Fields): QmpEvent {
  const stamp = isFields(fields["timestamp"]) ? fields["timestamp"] : {};
  const seconds = typeof stamp["seconds"] === "number" ? stamp["seconds"] : 0;
  const microseconds = typeof stamp["microseconds"] === "number" ? stamp["microseconds"] : 0;
  const data = isFields(fields["data"]) ? fields["data"] : {};
  return { name, data, atMs: seconds * 1000 + microseconds / 1000 };
}

/**
 * Cuts a stream of bytes into lines. A line over the limit is a protocol fault, so that memory stays bounded.
 */
export class LineCutter {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #pendingBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The lines that these bytes complete, without their line ends and without empty ones. */
  cut(bytes: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      const line = Buffer.concat([...this.#parts, bytes.subarray(from, end)])
        .toString("utf8")
        .trim();
      this.#parts = [];
      this.#pendingBytes = 0;
      from = end + 1;
      if (line !== "") lines.push(line);
    }
    if (from < bytes.length) this.#keep(Buffer.from(bytes.subarray(from)));
    return lines;
  }

  #keep(rest: Buffer): void {
    this.#pendingBytes += rest.length;
    if (this.#pendingBytes > this.#limitBytes) {
      throw new QmpProtocolFault(`monitor sent a line of more than ${this.#limitBytes} bytes`);
    }
    this.#parts.push(rest);
  }
}
