import assert from "node:assert/strict";
import { test } from "node:test";
import { LibvirtProtocolFault } from "../faults.ts";
import { attributeOf, childOf, childrenOf, elementText, escapeXml, parseXml } from "./codec.ts";

void test("a document becomes elements with attributes and text", () => {
  const xml = parseXml(`<?xml version='1.0'?>
    <!-- made by <libvirt> -->
    <domain type='qemu' id="7">
      <name>a &amp; b &#x41;&#66; <![CDATA[<raw>]]></name>
      <devices>
        <disk type='network'><target dev='vda'/></disk>
        <disk><target dev="it&apos;s" bus='x'/></disk>
      </devices>
      <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"/>
    </domain>`);
  assert.equal(attributeOf(xml, "id"), "7");
  assert.equal(elementText(childOf(xml, "name")), "a & b AB <raw>");
  const disks = childrenOf(childOf(xml, "devices"), "disk");
  assert.deepEqual(
    disks.map((disk) => attributeOf(childOf(disk, "target"), "dev")),
    ["vda", "it's"],
  );
  assert.equal(childOf(xml, "devices", "absent", "deeper"), undefined);
  assert.equal(attributeOf(childOf(xml, "absent"), "dev"), undefined);
  assert.equal(elementText(childOf(xml, "devices", "disk")), undefined);
});

for (const bad of ["", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a b=c/>", "<a>&unknown;</a>", "<a", "x < y"]) {
  void test(`what is no document is refused: ${JSON.stringify(bad)}`, () => {
    assert.throws(() => parseXml(bad), LibvirtProtocolFault);
  });
}

void test("any text survives an attribute and an element", () => {
  for (const text of ["a", "<&>'\"", "/dir with 'quotes'/x", "&amp;", "日本"]) {
    const xml = parseXml(`<a b='${escapeXml(text)}'>${escapeXml(text)}</a>`);
    assert.deepEqual([attributeOf(xml, "b"), elementText(xml)], [text, text]);
  }
});
