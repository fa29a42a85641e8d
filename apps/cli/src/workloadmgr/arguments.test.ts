import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments, parseGlobals, UsageError } from "./arguments.ts";
import type { Parameter } from "./command.ts";
import { requestOf, valueOf, withDefaults } from "./request.ts";

const parameters: readonly Parameter[] = [
  { name: "workload_id", help: "", to: "path.workload_id" },
  { name: "instance-id", help: "", value: "member", repeated: true, to: "body.workload.instances" },
  { name: "-f, --format", help: "", choices: ["csv", "json"], to: "out.format" },
  { name: "-c, --column", help: "", repeated: true, to: "out.columns" },
  { name: "--display-name", help: "", to: "body.workload.name" },
  { name: "--display-description", help: "", to: "body.workload.description" },
  { name: "--database_only", help: "", value: "boolean", to: "query.database_only" },
  { name: "--full", help: "", value: "flag", to: "query.full" },
  { name: "--instance", help: "", value: "member", repeated: true, to: "body.workload.instances" },
  { name: "--jobschedule", help: "", value: "pairs", repeated: true, to: "body.workload.jobschedule" },
  { name: "--daily", help: "", value: "tier", repeated: true, to: "body.workload.jobschedule.daily" },
  { name: "--watermark", help: "", value: "integer", to: "body.watermark" },
];

/** The request that a line of words means. */
function understood(line: string) {
  const given = withDefaults(parseArguments(line === "" ? [] : line.split(" "), parameters), parameters);
  return requestOf({}, new Map([...given].map(([each, texts]) => [each, valueOf(each, texts)])));
}

const LINES: readonly (readonly [line: string, where: string, value: unknown])[] = [
  ["w1", "path.workload_id", "w1"],
  ["w1 --full", "query.full", true],
  ["--full w1", "path.workload_id", "w1"],
  ["w1 --display-name=a=b", "body.workload.name", "a=b"],
  ["w1 --display_name x", "body.workload.name", "x"],
  ["w1 --display-n x", "body.workload.name", "x"],
  ["w1 --database-only false", "query.database_only", false],
  ["w1 --database_only True", "query.database_only", true],
  ["w1 --database_only 1", "query.database_only", true],
  ["w1 -fjson", "out.format", "json"],
  ["w1 -f csv", "out.format", "csv"],
  ["w1 -c Name -c ID", "out.columns", "ID"],
  ["w1 --watermark -1", "body.watermark", -1],
  ["w1 --jobschedule fullbackup_interval=-1", "body.workload.jobschedule.fullbackup_interval", "-1"],
  ["w1 --jobschedule enabled=True --jobschedule interval=5", "body.workload.jobschedule.interval", "5"],
  ["w1 --daily retention=7 --daily backup_time=02:00,14:00", "body.workload.jobschedule.daily.retention", 7],
  ["w1 --daily backup_time=02:00,14:00", "body.workload.jobschedule.daily.backup_time.1", "14:00"],
  ["w1 instance-id=a b --instance instance-id=c --instance d", "body.workload.instances.3.instance-id", "d"],
  ["w1 instance-id=a b --instance instance-id=c", "body.workload.instances.0.instance-id", "a"],
  ["-- -w1", "path.workload_id", "-w1"],
];

for (const [line, where, value] of LINES) {
  void test(`"${line}" puts ${JSON.stringify(value)} at ${where}`, () => {
    let at: unknown = understood(line);
    for (const key of where.split(".")) at = (at as Record<string, unknown>)[key];
    assert.deepEqual(at, value);
  });
}

const WRONG: readonly (readonly [line: string, message: RegExp])[] = [
  ["", /^the following arguments are required: <workload_id>$/],
  ["w1 --display-name", /^argument --display-name: expected one argument$/],
  ["w1 --display-name --full", /^argument --display-name: expected one argument$/],
  ["w1 --display x", /^ambiguous option: --display could match --display-name, --display-description$/],
  ["w1 --colour red", /^unrecognized arguments: --colour$/],
  ["w1 --full=yes", /^argument --full: ignored explicit argument 'yes'$/],
  ["w1 -f xml", /^argument -f\/--format: invalid choice: 'xml' \(choose from 'csv', 'json'\)$/],
  ["w1 --database_only maybe", /invalid choice: 'maybe' \(choose from 'True', 'False'\)$/],
  ["w1 --watermark many", /^argument --watermark: invalid int value: 'many'$/],
  ["w1 --jobschedule enabled", /^argument --jobschedule: expected key=value, not 'enabled'$/],
];

for (const [line, message] of WRONG) {
  void test(`"${line}" is refused as argparse refuses it`, () => {
    assert.throws(
      () => understood(line),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

void test("options before the command's name end with it", () => {
  const { given, rest } = parseGlobals(
    ["--full", "--display-name", "x", "workload-list", "-f", "csv"],
    parameters,
  );
  assert.equal(given.size, 2);
  assert.deepEqual(rest, ["workload-list", "-f", "csv"]);
});
