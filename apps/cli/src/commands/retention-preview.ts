import type { Command } from "commander";
import { findWorkload } from "../lookup.ts";
import { renderTable } from "../output/table.ts";
import type { Shell } from "../shell.ts";
import { collected, contextOf, pairOf, wholeNumber, withCommonFlags } from "./context.ts";
import { examples } from "./workload.ts";

interface PreviewFlags {
  readonly jobschedule: readonly string[];
  readonly runs: number;
}

/** `cairn retention preview`: what a workload's schedule, or a changed one, would keep and when it runs. */
export function addRetentionPreview(retention: Command, shell: Shell): void {
  withCommonFlags(retention.command("preview"))
    .description("tell what a workload's schedule would keep, why, and its next runs; changes nothing")
    .argument("<workload>", "name or id")
    .option(
      "--jobschedule <key=value>",
      "try this change of the schedule; values may be JSON; may be repeated",
      collected,
      [],
    )
    .option("--runs <n>", "next runs to show", wholeNumber("--runs", 1, 100), 5)
    .addHelpText(
      "after",
      examples(
        "cairn retention preview web",
        "cairn retention preview web --jobschedule enabled=true --jobschedule interval=6hrs \\\n" +
          "    --jobschedule retention_policy_value=4",
      ),
    )
    .action(async (wanted: string, flags: PreviewFlags) => {
      const context = contextOf(shell, { ...flags });
      const { api } = await context.session();
      const id = await findWorkload(api, wanted);
      const pairs = flags.jobschedule.map((pair) => pairOf("--jobschedule", pair));
      const change = Object.fromEntries(pairs.map(([key, value]) => [key, valueOf(value)]));
      const { preview } = await api.previewRetention({
        params: { workload_id: id },
        body: { preview: { runs: flags.runs, ...(pairs.length === 0 ? {} : { jobschedule: change }) } },
      });
      if (context.output.format !== "table") {
        await context.printItem({ ...preview }, Object.keys(preview));
        return;
      }
      const { width } = context.output;
      const kept = preview.snapshots.map((each) => [each.id, each.created_at, each.verdict, each.reason]);
      shell.out.write(renderTable(["snapshot", "created at", "verdict", "reason"], kept, width));
      const runs = preview.next_runs.map((run) => [run.local_time, run.snapshot_type, run.tiers.join(", ")]);
      shell.out.write(renderTable(["next run", "type", "stands for"], runs, width));
    });
}

/** Tiers are objects; whatever is no JSON is text. */
function valueOf(text: string): unknown {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Half an object is a text that the schedule's own rules name and refuse.
    return text;
  }
}
