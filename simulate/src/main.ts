import { parseArgs } from "node:util";
import { drawScenario, type Flaw } from "./scenario.ts";
import { simulate } from "./simulation.ts";
import { realMs } from "./stand-in.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    "first-seed": { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
    flaw: { type: "string" },
  },
});
const first = Number(values["first-seed"]);
const began = realMs();
let failed = 0;
for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
  const report = await simulate(drawScenario(seed, values.flaw as Flaw | undefined), {
    keepTrace: values.trace,
  });
  for (const line of report.trace) console.log(line);
  if (values.trace) console.log(report.traceHash, report.steps, report.snapshots);
  for (const violation of report.violations)
    console.log(`seed ${seed}: ${violation.rule}: ${violation.message}`);
  if (report.violations.length > 0) failed += 1;
}
console.log(`${failed} failed, ${realMs() - began} ms`);
