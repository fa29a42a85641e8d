import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { smallTree } from "./small-tree.ts";

const door = resolve(import.meta.dirname, "../../cairn");
const CORE = "sh cat cmp cp dirname env find flock mkdir mv readlink rm sleep tail uname".split(" ");
const QEMU = "qemu-img qemu-nbd qemu-system-x86_64 qemu-storage-daemon".split(" ");

/** A Node of some version: it notes what it is asked to run, and does what npm does. */
const node = (version: string): string => `#!/bin/sh
case $1 in
  --version) echo ${version} ;;
  */npm)
    echo "node ${version} npm $2" >>"$NOTES"
    sleep 0.2
    mkdir -p node_modules
    echo >node_modules/.package-lock.json
    ;;
  *) echo "node ${version} $*" >>"$NOTES" ;;
esac
`;
/** An npm that brings a Node: the package's version is the Node's. */
const npm = `#!/bin/sh
echo "npm $*" >>"$NOTES"
[ ! -e "$(dirname "$0")/offline" ] || { echo "no network" >&2; exit 1; }
mkdir -p "$3/node_modules/.bin"
cp "$(dirname "$0")/node-24" "$3/node_modules/.bin/node"
`;
const apt = `#!/bin/sh
echo "apt-get $*" >>"$NOTES"
case "$*" in
  *" install "*) for each in ${QEMU.join(" ")}; do cp "$(dirname "$0")/sh" "$(dirname "$0")/$each"; done
    [ -e "$(dirname "$0")/npm" ] || cp "$(dirname "$0")/npm-of-apt" "$(dirname "$0")/npm" ;;
esac
`;
/** Seconds since 1970, in a future in which nothing else was written. */
const LATER = 4_000_000_000;
const whoami = (uid: number): string => `#!/bin/sh\necho ${uid}\n`;

interface Machine {
  readonly commands: Readonly<Record<string, string>>;
  readonly installed?: boolean;
}

/** A clone in a folder with blanks on a machine that has the core commands and those given. */
function machine({ commands, installed = false }: Machine) {
  const tree = smallTree({ "a clone/package-lock.json": "{}\n", "home/note.txt": "" });
  const bin = join(tree.root, "bin");
  const clone = join(tree.root, "a clone");
  mkdirSync(bin);
  copyFileSync(door, join(clone, "cairn"));
  for (const name of CORE) {
    const real = ["/usr/bin", "/bin"].map((folder) => join(folder, name)).find((path) => existsSync(path));
    assert.ok(real !== undefined, `${name} is needed for this test`);
    symlinkSync(real, join(bin, name));
  }
  for (const [name, content] of Object.entries({ id: whoami(0), ...commands })) {
    writeFileSync(join(bin, name), content);
    chmodSync(join(bin, name), 0o755);
  }
  if (installed) {
    mkdirSync(join(clone, "node_modules"));
    copyFileSync(join(clone, "package-lock.json"), join(clone, "node_modules/.cairn-lock"));
    mkdirSync(join(clone, ".toolchain/kernel/boot"), { recursive: true });
    writeFileSync(join(clone, ".toolchain/kernel/boot/vmlinuz-6.1"), "");
  }
  const notes = join(tree.root, "notes");
  writeFileSync(notes, "");
  return {
    clone,
    bin,
    [Symbol.dispose]: () => tree[Symbol.dispose](),
    notes: () =>
      readFileSync(notes, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    cairn: async (argv: readonly string[], path = join(clone, "cairn")) => {
      const env = { PATH: bin, NOTES: notes };
      const child = spawn(path, argv, {
        cwd: join(tree.root, "home"),
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const output = Promise.all([text(child.stdout), text(child.stderr)]);
      const [code] = (await once(child, "close")) as [number | null];
      const [stdout, stderr] = await output;
      return { code, stdout, stderr };
    },
  };
}

const TESTING = [
  ..."ceph ceph-mon ceph-osd radosgw python3 openssl nbdcopy chromium".split(" "),
  ..."mandoc zsh fish wrk openstack busybox lvm mkfs.xfs sfdisk".split(" "),
];
const qemu = Object.fromEntries([...QEMU, ...TESTING, "mke2fs"].map((name) => [name, "#!/bin/sh\n"]));
const ready = { node: node("v24.15.0"), ...qemu };
const old = { node: node("v20.20.2"), npm, "node-24": node("v24.21.0") };

describe("./cairn", () => {
  it("prints its usage with examples, and needs nothing for it", async () => {
    using bare = machine({ commands: {} });
    for (const argv of [["--help"], ["help"], []]) {
      const { code, stdout } = await bare.cairn(argv);
      assert.equal(code, 0);
      assert.match(stdout, /Examples:\n {2}\.\/cairn demo/);
    }
    assert.deepEqual(bare.notes(), []);
  });

  const routes: readonly [readonly string[], string][] = [
    [["demo", "--json"], "apps/embedded/src/main.ts demo --json"],
    [["dev"], "apps/embedded/src/main.ts dev"],
    [["test", "packages/nbd"], "tools/src/test.ts packages/nbd"],
    [["check", "--only", "tidy"], "tools/src/check.ts --only tidy"],
    [["simulate", "--seeds", "2"], "simulate/src/main.ts --seeds 2"],
    [["screenshots", "pictures"], "test/src/make-screenshots.ts pictures"],
    [["testcloud", "status"], "testcloud/src/main.ts status"],
    [["workload", "list", "-f", "json"], "apps/cli/src/main.ts workload list -f json"],
  ];
  for (const [argv, program] of routes) {
    it(`runs ${argv.join(" ")} at once, without npm or apt, when everything is there`, async () => {
      using full = machine({ commands: ready, installed: true });
      const { code, stderr } = await full.cairn(argv);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.deepEqual(full.notes(), [`node v24.15.0 ${full.clone}/${program}`]);
    });
  }

  it("works through a symlink from elsewhere", async () => {
    using full = machine({ commands: ready, installed: true });
    symlinkSync("../a clone/cairn", join(full.bin, "cairn"));
    await full.cairn(["workload", "list"], join(full.bin, "cairn"));
    assert.deepEqual(full.notes(), [`node v24.15.0 ${full.clone}/apps/cli/src/main.ts workload list`]);
  });

  it("runs the command line in its second spelling when it is called workloadmgr", async () => {
    using full = machine({ commands: ready, installed: true });
    symlinkSync("../a clone/cairn", join(full.bin, "workloadmgr"));
    await full.cairn(["workload-list", "--all", "True"], join(full.bin, "workloadmgr"));
    const program = `${full.clone}/apps/cli/bin/workloadmgr`;
    assert.deepEqual(full.notes(), [`node v24.15.0 ${program} workload-list --all True`]);
  });

  it("gets Node 24 when the system's is too old, runs npm under it, and does both only once", async () => {
    using aged = machine({ commands: old });
    const first = await aged.cairn(["snapshot", "list"]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stderr,
      /^cairn: getting Node \([\d.]+\) \.\.\.\ncairn: installing the locked packages \.\.\.\n$/,
    );
    const [install, ...rest] = aged.notes();
    assert.match(
      install ?? "",
      /^npm install --prefix .*\/a clone\/\.toolchain\/next .* node-linux-\w+@[\d.]+$/,
    );
    const run = `node v24.21.0 ${aged.clone}/apps/cli/src/main.ts snapshot list`;
    assert.deepEqual(rest, ["node v24.21.0 npm install", run]);
    const second = await aged.cairn(["snapshot", "list"]);
    assert.deepEqual([second.code, second.stderr], [0, ""]);
    assert.deepEqual(aged.notes().slice(3), [run]);
  });

  it("builds the console when it was never built, and again when one of its files is newer", async () => {
    using full = machine({ commands: ready, installed: true });
    const room = join(full.clone, "apps/console");
    mkdirSync(join(room, "src"), { recursive: true });
    writeFileSync(join(room, "src/main.tsx"), "");
    writeFileSync(join(room, "index.html"), "");
    const runs = [
      `node v24.15.0 ${room}/src/build.ts`,
      `node v24.15.0 ${full.clone}/apps/embedded/src/main.ts dev`,
    ];
    await full.cairn(["dev"]);
    assert.deepEqual(full.notes(), runs);
    mkdirSync(join(room, "dist"));
    writeFileSync(join(room, "dist/index.html"), "");
    utimesSync(join(room, "dist"), LATER, LATER);
    await full.cairn(["dev"]);
    assert.deepEqual(full.notes().slice(2), runs.slice(1));
    utimesSync(join(room, "src/main.tsx"), LATER + 60, LATER + 60);
    await full.cairn(["dev"]);
    assert.deepEqual(full.notes().slice(3), runs);
  });

  it("installs the locked packages again when the lock file has changed", async () => {
    using full = machine({ commands: { ...ready, npm }, installed: true });
    writeFileSync(join(full.clone, "package-lock.json"), '{ "changed": true }\n');
    await full.cairn(["help-me"]);
    assert.equal(full.notes()[0], "node v24.15.0 npm install");
  });

  it("sets up once when two first runs meet", async () => {
    using aged = machine({ commands: old });
    const both = await Promise.all([aged.cairn(["one"]), aged.cairn(["two"])]);
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(aged.notes().filter((line) => line.startsWith("node v24.21.0 npm install")).length, 1);
    assert.equal(aged.notes().filter((line) => line.startsWith("npm install")).length, 1);
  });

  it("installs what the system lacks with one call of apt when it is root", async () => {
    using bare = machine({
      commands: { "apt-get": apt, "npm-of-apt": npm, "node-24": node("v24.21.0"), mke2fs: "" },
    });
    const { code, stderr } = await bare.cairn(["demo"]);
    assert.equal(code, 0, stderr);
    const packages = "nodejs npm qemu-utils qemu-system-x86 qemu-system-common";
    assert.ok(stderr.startsWith(`cairn: installing ${packages} with apt ...\n`), stderr);
    const [update, install] = bare.notes();
    assert.match(update ?? "", /^apt-get .* update$/);
    assert.match(install ?? "", new RegExp(`install -y --no-install-recommends ${packages}$`));
  });

  it("says exactly what to install and exits with 69 when it may not install", async () => {
    const all = Object.entries({ ...ready, id: whoami(1000), "apt-get": apt });
    const commands = Object.fromEntries(all.filter(([name]) => name !== "qemu-img"));
    using plain = machine({ commands, installed: true });
    const { code, stderr } = await plain.cairn(["demo"]);
    assert.equal(code, 69);
    assert.match(stderr, /sudo apt-get install -y --no-install-recommends qemu-utils$/m);
    assert.deepEqual(plain.notes(), []);
  });

  it("asks nothing of the system for the product's command line", async () => {
    using full = machine({ commands: { node: node("v26.1.0") }, installed: true });
    assert.equal((await full.cairn(["workload", "list"])).code, 0);
  });

  it("shows the end of the log and exits with 69 when a download fails, and mends it next time", async () => {
    using aged = machine({ commands: { ...old, offline: "" } });
    const { code, stderr } = await aged.cairn(["one"]);
    assert.equal(code, 69);
    assert.match(stderr, /no network\ncairn: getting Node .* failed; the whole output is in .*setup\.log/);
    using online = machine({ commands: old });
    mkdirSync(join(online.clone, ".toolchain/next/node_modules"), { recursive: true });
    assert.equal((await online.cairn(["one"])).code, 0);
  });
});
