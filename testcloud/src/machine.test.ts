import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GiB } from "@cairn/kernel";
import { parseInstalled, wrongSeries } from "./debian.ts";
import { bridgeCleaning, isEmptyTable, withoutNeutron } from "./firewall.ts";
import { differences } from "./footprint.ts";
import { type MachineFacts, parseListeningPorts, parseSystem, problemsOf } from "./machine.ts";
import { parseMountPoints } from "./mounts.ts";
import { parseStat } from "./process-table.ts";

const fit: MachineFacts = {
  isRoot: true,
  system: "debian 12",
  architecture: "x64",
  refused: [],
  freeDiskBytes: 100 * GiB,
  freeMemoryBytes: 16 * GiB,
  closedFolder: undefined,
  takenPorts: [],
  strangers: [],
};
const wish = { profile: "full", root: "/var/tmp/cairn-testcloud" } as const;

describe("whether a machine can have a cloud", () => {
  it("is yes for a Debian 12 with room, as root", () => {
    assert.deepEqual(problemsOf(fit, wish), []);
  });

  const rows: readonly [string, Partial<MachineFacts>, RegExp][] = [
    ["not root", { isRoot: false }, /needs root.*run it as root or with sudo/],
    ["another system", { system: "ubuntu 24.04" }, /Debian 12 on x64, and this is ubuntu 24\.04 on x64/],
    ["another architecture", { architecture: "arm64" }, /this is debian 12 on arm64/],
    [
      "no namespaces",
      { refused: [{ thing: "network namespaces", reason: "Operation not permitted" }] },
      /no network namespaces \(Operation not permitted\): use a virtual machine/,
    ],
    ["no room", { freeDiskBytes: 2 * GiB }, /has 2\.\d* ?GiB free|has .* free, and .* are needed/],
    ["little memory", { freeMemoryBytes: GiB }, /of memory are free/],
    ["a closed folder", { closedFolder: "/root" }, /\/root is closed to MariaDB/],
    [
      "a port that is taken",
      { takenPorts: [{ port: 5000, service: "keystone" }] },
      /port 5000, which keystone/,
    ],
    ["another libvirtd", { strangers: ["libvirtd (process 7)"] }, /libvirtd \(process 7\) is there already/],
  ];
  for (const [what, facts, sentence] of rows) {
    it(`is no with one sentence and a remedy for ${what}`, () => {
      const problems = problemsOf({ ...fit, ...facts }, wish);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", sentence);
    });
  }

  it("is no for a folder whose sockets would have too long a name", () => {
    for (const root of [`/var/tmp/${"x".repeat(60)}`, "/var/tmp/with blank", "relative"]) {
      assert.match(problemsOf(fit, { ...wish, root }).join(), /must be an absolute path/);
    }
  });

  it("names everything at once", () => {
    assert.equal(problemsOf({ ...fit, isRoot: false, freeDiskBytes: 0 }, wish).length, 2);
  });
});

describe("reading the machine", () => {
  it("finds who listens, and not who is connected", () => {
    const text = `  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:D431 0100007F:1388 01 00000000:00000000 00:00000000 00000000     0        0 2 1
`;
    assert.deepEqual(parseListeningPorts(text), [5000]);
  });

  it("knows the distribution", () => {
    assert.equal(parseSystem('NAME="Debian"\nVERSION_ID="12"\nID=debian\n'), "debian 12");
    assert.equal(parseSystem(""), "");
  });

  it("finds the fields of a process behind a name with blanks and parentheses", () => {
    const text = `42 (a b) c) S 1 40 40 0 -1 4194560 ${"0 ".repeat(12)}777 0`;
    const { pid, program, group, startTicks, isZombie } = parseStat(text);
    assert.deepEqual([pid, program, group, startTicks, isZombie], [42, "a b) c", 40, "777", false]);
  });

  it("finds mount points with blanks", () => {
    assert.deepEqual(parseMountPoints("/dev/loop0 /a\\040b ext4 rw 0 0\n"), ["/a b"]);
  });

  it("knows which packages are installed, and which are of another series", () => {
    const installed = parseInstalled("keystone\tinstalled\t2:22.0.2-0\nnova-api\tconfig-files\t2:26.0\n");
    assert.deepEqual([...installed], [["keystone", "2:22.0.2-0"]]);
    assert.deepEqual(wrongSeries(installed), []);
    assert.match(wrongSeries(new Map([["nova-api", "3:29.1"]])).join(), /nova-api is 29\.1/);
  });

  it("takes Neutron's rules out of a firewall and leaves the others", () => {
    const rules =
      "*filter\n:INPUT ACCEPT [0:0]\n:neutron-top - [0:0]\n-A INPUT -j neutron-x\n-A INPUT -j mine\nCOMMIT\n";
    assert.equal(withoutNeutron(rules), "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j mine\nCOMMIT\n");
  });

  it("takes Neutron's chains out of the bridges' table in an order that nft allows", () => {
    const table = `table bridge nat { # handle 1
	chain PREROUTING { # handle 1
		type filter hook prerouting priority dstnat; policy accept;
		iifname "tap1" counter packets 45 bytes 5271 jump neutronMAC-tap1 # handle 9
		iifname "eth7" counter packets 0 bytes 0 drop # handle 10
	}

	chain neutronMAC-tap1 { # handle 4
		counter packets 0 bytes 0 drop # handle 5
	}
}
`;
    assert.deepEqual(
      bridgeCleaning(table).map((words) => words.join(" ")),
      [
        "delete rule bridge nat PREROUTING handle 9",
        "flush chain bridge nat neutronMAC-tap1",
        "delete chain bridge nat neutronMAC-tap1",
      ],
    );
  });

  it("takes a table for empty only when it lets everything pass", () => {
    const table = (line: string): string =>
      `table ip raw {\n\tchain OUTPUT {\n\t\ttype filter hook output priority raw; ${line}\n\t}\n}\n`;
    assert.ok(isEmptyTable(table("policy accept;")));
    assert.ok(!isEmptyTable(table("policy drop;")));
    assert.ok(!isEmptyTable(table("policy accept;\n\t\tcounter packets 0 bytes 0 drop")));
  });

  it("sees what came and what went", () => {
    const found = differences({ mounts: ["/", "/a"], files: ["x"] }, { mounts: ["/", "/b"], files: ["x"] });
    assert.deepEqual(found, [
      { aspect: "mounts", sign: "+", line: "/b" },
      { aspect: "mounts", sign: "-", line: "/a" },
    ]);
  });
});
