import type { MountedDisk, MountInGuest, OrderOutcome, UnmountInGuest } from "@cairn/contract";
import { assert, hasCode } from "@cairn/kernel";
import type { GuestRun } from "../hypervisor/port.ts";
import type { OrderContext } from "../orders/context.ts";
import { baseOf, mountProgram, serialOf, unmountProgram } from "./program.ts";
import { type Problem, parseReport, type Report } from "./report.ts";

type GuestContext = Pick<OrderContext, "hypervisor" | "log" | "signal">;

/** How far the script came, and what else there is to tell. */
interface Done {
  readonly report: Report;
  readonly warnings: readonly string[];
}

/** Mounts the file systems of attached copies. What does not work in the guest is a warning. */
export async function mountInGuest(order: MountInGuest, context: GuestContext): Promise<OrderOutcome> {
  const { disks, instanceId, snapshotId } = order;
  const program = await mountProgram(order);
  const run = await context.hypervisor.runInGuest(instanceId, program, context.signal);
  const { report, warnings } = read(run, new Set(disks.map(serialOf)));
  const folders = report.mounted.map(({ serial, folder, fileSystem }) => {
    const { volumeId } = diskOf(disks, serial);
    return { volumeId, folder: `${baseOf(snapshotId)}/${folder}`, fileSystem };
  });
  const problems = report.problems.map((problem) => wordsOf(problem, disks));
  const isPoor = warnings.length > 0 || folders.length === 0;
  const all = [...warnings, ...problems, ...(isPoor ? [byHand(disks)] : [])];
  context.log.info("guest.mounted", { instance: instanceId, folders: folders.length, warnings: all.length });
  return { kind: "mounted-in-guest", folders, warnings: all };
}

/** Unmounts all of the snapshot. A guest that does not run, or is not here, has nothing mounted. */
export async function unmountInGuest(order: UnmountInGuest, context: GuestContext): Promise<OrderOutcome> {
  const { instanceId } = order;
  const program = await unmountProgram(order);
  let run: GuestRun;
  try {
    run = await context.hypervisor.runInGuest(instanceId, program, context.signal);
  } catch (cause) {
    if (!hasCode(cause, "instance-unknown")) throw cause;
    run = { kind: "stopped" };
  }
  if (run.kind === "stopped") return { kind: "unmounted-in-guest", warnings: [] };
  const { report, warnings } = read(run, new Set());
  const all = [...warnings, ...report.problems.map(({ words }) => words)];
  context.log.info("guest.unmounted", { instance: instanceId, warnings: all.length });
  return { kind: "unmounted-in-guest", warnings: all };
}

function read(run: GuestRun, serials: ReadonlySet<string>): Done {
  const report: Report = { mounted: [], problems: [], isWhole: false };
  switch (run.kind) {
    case "stopped":
      return { report, warnings: ["the instance does not run"] };
    case "unreachable":
    case "refused":
      return { report, warnings: [run.because] };
    case "unfinished":
      return { report, warnings: [`what the guest was asked to run did not end well: ${run.because}`] };
    case "ended": {
      const said = parseReport(run.output, serials);
      if (said?.isWhole === true) return { report: said, warnings: [] };
      const what = said === undefined ? "did not say what it was to say" : "ended early";
      const warning = `what the guest was asked to run ${what} (exit code ${run.exitCode})`;
      return { report: said ?? report, warnings: [warning] };
    }
  }
}

function wordsOf({ serial, words }: Problem, disks: readonly MountedDisk[]): string {
  return serial === undefined ? words : `${diskOf(disks, serial).folder}: ${words}`;
}

/** A report names only serials of the order's disks. */
function diskOf(disks: readonly MountedDisk[], serial: string): MountedDisk {
  const found = disks.find((disk) => serialOf(disk) === serial);
  assert(found !== undefined, `a report about ${serial}`);
  return found;
}

function byHand(disks: readonly MountedDisk[]): string {
  const list = disks.map((disk) => `${serialOf(disk)} is ${disk.device} of ${disk.folder}`).join(", ");
  return `the copies stay attached and can be mounted by hand; their serials (/sys/block/*/serial): ${list}`;
}
