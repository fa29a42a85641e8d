import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMessage, encodeCommand, LineCutter } from "./codec.ts";
import { QmpProtocolFault } from "./faults.ts";

void test("a command is one line of JSON with its arguments and id", () => {
  const line = encodeCommand(7, "block-dirty-bitmap-add", { node: "a\nb" });
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.deepEqual(JSON.parse(line), {
    execute: "block-dirty-bitmap-add",
    arguments: { node: "a\nb" },
    id: 7,
  });
});

void test("each kind of line from a monitor becomes its kind of message", () => {
  const greeting =
    '{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":""},"capabilities":["oob"]}}';
  assert.deepEqual(decodeMessage(greeting), { kind: "greeting", version: "7.2.22", capabilities: ["oob"] });
  assert.deepEqual(decodeMessage('{"return":{},"id":1}'), { kind: "return", id: 1, value: {} });
  assert.deepEqual(decodeMessage('{"id":2,"error":{"class":"GenericError","desc":"no"}}'), {
    kind: "error",
    id: 2,
    qmpClass: "GenericError",
    reason: "no",
  });
  assert.deepEqual(decodeMessage('{"timestamp":{"seconds":2,"microseconds":500000},"event":"STOP"}'), {
    kind: "event",
    event: { name: "STOP", data: {}, atMs: 2500 },
  });
});

for (const line of ["", "x", "[]", "null", '{"hello":1}', '{"return":1}']) {
  void test(`a line that is not QMP is a protocol fault: ${JSON.stringify(line)}`, () => {
    assert.throws(() => decodeMessage(line), QmpProtocolFault);
  });
}

void test("lines come out whole wherever the stream is cut, also inside a letter of several bytes", () => {
  const stream = Buffer.from('{"a":"für 日本"}\r\n\n{"b":2}\n', "utf8");
  for (let at = 0; at <= stream.length; at += 1) {
    const cutter = new LineCutter(1000);
    const lines = [...cutter.cut(stream.subarray(0, at)), ...cutter.cut(stream.subarray(at))];
    assert.deepEqual(lines, ['{"a":"für 日本"}', '{"b":2}']);
  }
});

void test("a line without an end is refused once it is over the limit", () => {
  const cutter = new LineCutter(10);
  assert.deepEqual(cutter.cut(Buffer.alloc(10, 65)), []);
  assert.throws(() => cutter.cut(Buffer.from("A")), QmpProtocolFault);
});
