import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, it } from "node:test";
import { systemClock } from "@cairn/kernel";
import { installPlugin, removePlugin } from "./horizon-plugin.ts";
import { layoutAt } from "./layout.ts";
import { Narrator } from "./narrator.ts";
import { sampleSettings } from "./sample-settings.ts";
import type { Profile } from "./settings.ts";

const never = new AbortController().signal;

function workIn(root: string, profile: Profile) {
  const lines: string[] = [];
  const output = new Writable({
    write: (part, _, done) => {
      lines.push(String(part));
      done();
    },
  });
  const settings = { ...sampleSettings(profile), layout: layoutAt(root) };
  return { lines, work: { settings, clock: systemClock, narrator: new Narrator(output, systemClock) } };
}

describe("the plugin for Horizon", () => {
  it("is for a cloud that has Horizon", async () => {
    const { work } = workIn("/nowhere", "light");
    for (const deed of [installPlugin, removePlugin]) {
      await assert.rejects(deed(work, never), /no Horizon: its profile is light/);
    }
  });

  it("is removed only where this cloud has installed it", async () => {
    const root = mkdtempSync(join(tmpdir(), "cairn-plugin-"));
    try {
      mkdirSync(join(root, "log"));
      const { work, lines } = workIn(root, "full");
      await removePlugin(work, never);
      assert.match(lines.join(""), /has not installed cairn-dashboard/);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
