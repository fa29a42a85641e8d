import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml } from "@cairn/libvirt";
import { describeJob, pullJobXml } from "./backup-xml.ts";

void test("a job names every disk, also those that it leaves out", () => {
  const xml = pullJobXml({
    socket: "/scratch/it's/nbd.sock",
    disks: [
      { device: "vda", scratch: "/scratch/a&b" },
      { device: "vdb", scratch: undefined },
    ],
  });
  assert.match(xml, /<disk name='vdb' backup='no'\/>/);
  const { socket } = describeJob(xml);
  assert.equal(socket, "/scratch/it's/nbd.sock");
  assert.equal(parseXml(xml).attributes["mode"], "pull");
});

void test("the scratch nodes are found where libvirt 9.0 writes them, and where it is documented", () => {
  const { indexes } = describeJob(
    `<domainbackup mode='pull'><server transport='unix' socket='/s'/><disks>
      <disk name='vda' backup='yes' index='7'/>
      <disk name='vdb' backup='yes'><scratch file='/x' index='8'/></disk>
      <disk name='vdc' backup='no'/>
    </disks></domainbackup>`,
  );
  assert.deepEqual(
    [...indexes],
    [
      ["vda", "7"],
      ["vdb", "8"],
    ],
  );
});
