import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "@cairn/kernel";
import { stopTiers } from "./down.ts";
import { Journal } from "./journal.ts";
import { sampleSettings } from "./sample-settings.ts";
import { digestOf, judgeService, parseServiceRecord } from "./service-record.ts";
import { servicesOf } from "./services.ts";
import { PORTS, PORTS_OF_FULL, PROFILES, type Profile } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";
import { startOrder } from "./task.ts";
import { tasksOf } from "./tasks.ts";
import { portsOf } from "./up.ts";

function orderOf(profile: Profile): string[] {
  const settings = sampleSettings(profile);
  const { layout } = settings;
  const supervisor = new Supervisor(layout, systemClock);
  return startOrder(
    tasksOf({ settings, supervisor, journal: new Journal(layout), clock: systemClock, proxies: {} }),
  );
}

describe("the services of a cloud", () => {
  for (const profile of PROFILES) {
    it(`of the profile ${profile} have a possible order, and all come before the contents`, () => {
      const order = orderOf(profile);
      for (const { name } of servicesOf(sampleSettings(profile))) {
        assert.ok(order.indexOf(name) < order.indexOf("contents"), name);
      }
    });

    it(`of the profile ${profile} listen on ports that up looks after`, () => {
      const names = servicesOf(sampleSettings(profile)).map(({ name }) => name);
      const wanted = Object.entries(PORTS)
        .filter(([service]) => profile === "full" || !PORTS_OF_FULL.some((each) => each === service))
        .map(([, port]) => port);
      assert.deepEqual(
        portsOf(names).toSorted((a, b) => a - b),
        wanted.toSorted((a, b) => a - b),
      );
    });

    it(`of the profile ${profile} are stopped before what they stand on, each once`, () => {
      const settings = sampleSettings(profile);
      const stopped = stopTiers(settings).flat();
      assert.deepEqual(
        stopped.toSorted(),
        servicesOf(settings)
          .map(({ name }) => name)
          .toSorted(),
      );
      assert.ok(stopped.indexOf("nova-compute") < stopped.indexOf("mariadb"));
      assert.ok(stopped.indexOf("rabbitmq") < stopped.indexOf("epmd"));
    });
  }

  it("keep guests alive when libvirtd is stopped, and end all that others started", () => {
    const byStop = Object.groupBy(servicesOf(sampleSettings("full")), ({ stops }) => stops);
    assert.deepEqual(
      byStop["leader"]?.map(({ name }) => name),
      ["libvirtd"],
    );
  });
});

describe("what is running", () => {
  const record = { pid: 7, startTicks: "100", digest: "d" };
  const rows = [
    ["nothing was started", undefined, true, "d", "stopped"],
    ["its process has ended, or its number is another's now", record, false, "d", "stopped"],
    ["it runs as it should", record, true, "d", "running"],
    ["it runs with a former configuration", record, true, "e", "outdated"],
  ] as const;
  for (const [what, given, alive, digest, verdict] of rows) {
    it(`is "${verdict}" when ${what}`, () => {
      assert.equal(
        judgeService(given, () => alive, digest),
        verdict,
      );
    });
  }

  it("is known by the configuration's text, too", () => {
    const [service] = servicesOf(sampleSettings("light"));
    assert.ok(service !== undefined);
    assert.equal(
      digestOf(service, () => "a"),
      digestOf(service, () => "a"),
    );
    assert.notEqual(
      digestOf(service, () => "a"),
      digestOf(service, () => "b"),
    );
  });

  it("counts a record that was not written whole as none", () => {
    assert.deepEqual(parseServiceRecord(JSON.stringify(record)), record);
    for (const text of ["", '{"pid":7,', '{"pid":"7"}', "{}"]) {
      assert.equal(parseServiceRecord(text), undefined, text);
    }
  });
});
