import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeError, encodeMessage, MESSAGE_TYPES, MessageCutter } from "./codec.ts";
import { putDomain, takeDomain, takeParameters, uuidBytes } from "./domain.ts";
import { decodeEvent } from "./events.ts";
import { isLibvirtRefusal, LibvirtProtocolFault, LibvirtRefusal } from "./faults.ts";
import { EVENT_MESSAGES, PROGRAMS } from "./procedures.ts";
import { XdrReader, XdrWriter } from "./xdr.ts";

const domain = { name: "instance-00000001", uuid: "0f8fad5b-d9cb-469f-a165-70867728950e", id: 7 };
const call = { type: MESSAGE_TYPES.call, serial: 9 };

void test("what is written as XDR is read again, whatever the lengths", () => {
  for (const text of ["", "a", "ab", "abc", "abcd", "für 日本", "x".repeat(1000)]) {
    const writer = new XdrWriter()
      .int(-5)
      .text(text)
      .uint(2 ** 32 - 1)
      .ulong(2 ** 40 + 1);
    const bytes = writer
      .optional(undefined, () => undefined)
      .optional(text, (some) => writer.text(some))
      .bytes();
    assert.equal(bytes.length % 4, 0);
    const reader = new XdrReader(bytes);
    assert.deepEqual(
      [reader.int(), reader.text(), reader.uint(), reader.ulong()],
      [-5, text, 2 ** 32 - 1, 2 ** 40 + 1],
    );
    assert.equal(
      reader.optional(() => reader.text()),
      undefined,
    );
    assert.equal(
      reader.optional(() => reader.text()),
      text,
    );
    assert.equal(reader.left, 0);
  }
});

const nonsense: readonly [string, Buffer, (reader: XdrReader) => unknown][] = [
  ["a number that is cut off", Buffer.alloc(3), (reader) => reader.int()],
  ["a text longer than the message", new XdrWriter().uint(5).bytes(), (reader) => reader.text()],
  ["a text without an end", new XdrWriter().uint(2 ** 31).bytes(), (reader) => reader.text()],
  [
    "a list without an end",
    new XdrWriter().uint(2 ** 31).bytes(),
    (reader) => reader.list(() => reader.int()),
  ],
  ["a flag that is none", new XdrWriter().uint(7).bytes(), (reader) => reader.optional(() => reader.int())],
  [
    "a parameter of a new type",
    new XdrWriter().uint(1).text("field").int(99).bytes(),
    (reader) => takeParameters(reader),
  ],
];
for (const [what, bytes, read] of nonsense) {
  void test(`the daemon's nonsense is a protocol fault: ${what}`, () => {
    assert.throws(() => read(new XdrReader(bytes)), LibvirtProtocolFault);
  });
}

void test("messages come out whole wherever the stream is cut", () => {
  const target = { program: "remote", procedure: 24 } as const;
  const stream = Buffer.concat([
    encodeMessage(target, call, Buffer.from("12345678")),
    encodeMessage(target, { ...call, serial: 10 }, Buffer.alloc(0)),
  ]);
  for (let at = 0; at <= stream.length; at += 1) {
    const cutter = new MessageCutter();
    const found = [...cutter.cut(stream.subarray(0, at)), ...cutter.cut(stream.subarray(at))];
    assert.deepEqual(
      found.map(({ program, procedure, serial, payload }) => [
        program,
        procedure,
        serial,
        payload.toString(),
      ]),
      [
        [PROGRAMS.remote.number, 24, 9, "12345678"],
        [PROGRAMS.remote.number, 24, 10, ""],
      ],
    );
  }
});

void test("a message of an impossible length ends the connection", () => {
  for (const length of [0, 27, 2 ** 31]) {
    assert.throws(() => new MessageCutter().cut(new XdrWriter().uint(length).bytes()), LibvirtProtocolFault);
  }
});

void test("a domain travels with its name, UUID and number", () => {
  assert.deepEqual(takeDomain(new XdrReader(putDomain(new XdrWriter(), domain).bytes())), domain);
  assert.throws(() => uuidBytes("vda"), LibvirtProtocolFault);
});

void test("an error of libvirt keeps its number, and is found in a chain of causes", () => {
  const payload = new XdrWriter().int(42).int(10);
  const error = decodeError(payload.optional("no domain", (text) => payload.text(text)).bytes());
  assert.deepEqual(error, { code: 42, domain: 10, message: "no domain" });
  const wrapped = new Error("outer", { cause: new LibvirtRefusal("domainLookupByUuid", error) });
  assert.ok(isLibvirtRefusal(wrapped, "noDomainBackup", "noDomain"));
  assert.ok(!isLibvirtRefusal(wrapped, "operationInvalid"));
  assert.ok(!isLibvirtRefusal(new Error("other"), "noDomain"));
});

const begin = (): XdrWriter => putDomain(new XdrWriter().int(3), domain);
const path = new XdrWriter();
const events: readonly [keyof typeof EVENT_MESSAGES, Buffer, object][] = [
  ["lifecycle", begin().int(6).int(2).bytes(), { event: "shutdown", detail: 2 }],
  ["lifecycle", begin().int(99).int(0).bytes(), { event: "unknown", detail: 0 }],
  [
    "blockThreshold",
    Buffer.concat([
      begin().text("vdb[7]").bytes(),
      path
        .optional("/scratch", (text) => path.text(text))
        .ulong(100)
        .ulong(5)
        .bytes(),
    ]),
    { device: "vdb[7]", thresholdBytes: 100, excessBytes: 5 },
  ],
  ["blockJob2", begin().text("vda").int(5).int(2).bytes(), { device: "vda", jobType: 5, status: 2 }],
  [
    "ioErrorReason",
    begin().text("/disk").text("virtio-disk0").int(1).text("enospc").bytes(),
    { path: "/disk", alias: "virtio-disk0", action: "pause", reason: "enospc" },
  ],
  ["agentLifecycle", begin().int(1).int(2).bytes(), { connected: true }],
  ["agentLifecycle", begin().int(2).int(2).bytes(), { connected: false }],
  [
    "jobCompleted",
    begin().uint(2).text("operation").int(1).int(9).text("success").int(6).int(1).bytes(),
    {
      parameters: new Map<string, unknown>([
        ["operation", 9],
        ["success", true],
      ]),
    },
  ],
];
for (const [kind, payload, fields] of events) {
  void test(`an event of kind ${kind} is read: ${JSON.stringify(fields)}`, () => {
    assert.deepEqual(decodeEvent(EVENT_MESSAGES[kind], payload), { kind, domain, ...fields });
  });
}

void test("an event that nobody asked for is passed over", () => {
  assert.equal(decodeEvent(319, begin().bytes()), undefined);
});
