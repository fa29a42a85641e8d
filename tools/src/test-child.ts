import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftoverEntries, leftoverProcesses } from "./test-leftovers.ts";
import type { TestLine } from "./test-reporter.ts";

/** What the run of one test file came to. */
export interface FileResult {
  readonly path: string;
  readonly ms: number;
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly name: string; readonly text: string }[];
}

/** One file to run: in a process group, a TMPDIR and with a mark of its own. */
export interface FileJob {
  readonly root: string;
  readonly path: string;
  /** Where the file's report goes while it runs. */
  readonly report: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

const REPORTER = join(import.meta.dirname, "test-reporter.ts");
/** How much of what a failed file printed is shown. */
const OUTPUT_MAX = 4_000;

/** Runs one test file to its end, and kills and reports whatever it leaves behind. */
export async function runFile(job: FileJob): Promise<FileResult> {
  const { path, report } = job;
  const begin = performance.now();
  const folder = makeShortFolder();
  writeFileSync(report, "");
  const { code, output, overdue } = await runChild(job, folder);
  const lines = readFileSync(report, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as TestLine);
  const failures = lines.flatMap(({ name, failure }) =>
    failure === undefined ? [] : [{ name, text: `${failure.error}\n  at ${failure.at}` }],
  );
  if (overdue) failures.push({ name: "time limit", text: overdueText(job, lines, output) });
  else if (code !== 0 && failures.length === 0)
    failures.push({ name: "exit code", text: `ended with ${code}\n${tail(output)}` });
  else if (lines.every(({ outcome }) => outcome === "begun"))
    failures.push({ name: "no tests", text: "the file has no tests" });
  for (const text of [...(await leftoverProcesses(folder)), ...leftoverEntries(folder)])
    failures.push({ name: "leftovers", text });
  rmSync(folder, { recursive: true, force: true });
  rmSync(report);
  const count = (outcome: TestLine["outcome"]): number =>
    lines.filter((line) => line.outcome === outcome).length;
  return {
    path,
    ms: performance.now() - begin,
    passed: count("passed"),
    skipped: count("skipped"),
    failures,
  };
}

/** A suite begins before its tests: what begun last is what did not end. */
function overdueText({ limitMs }: FileJob, lines: readonly TestLine[], output: string): string {
  const last = lines.at(-1);
  const where = last?.outcome === "begun" ? `, in: ${last.name}` : "";
  return `not done after ${limitMs / 1000} s${where}\n${tail(output)}`;
}

/**
 * A TMPDIR with a name as short as can be, such as `/tmp/c4fz`: a socket's path has 107 bytes at most, and
 * tests make sockets deep in trees of folders. Others may enter it, as PostgreSQL may run as another user.
 */
function makeShortFolder(): string {
  for (let attempt = 0; attempt < 1000; attempt += 1) {
    const folder = join(
      tmpdir(),
      `c${randomInt(36 ** 3)
        .toString(36)
        .padStart(3, "0")}`,
    );
    if (existsSync(folder)) continue;
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    return folder;
  }
  throw new Error(`no short name is free in ${tmpdir()}: remove old test folders`);
}

interface ChildEnd {
  readonly code: number | string;
  readonly output: string;
  readonly overdue: boolean;
}

async function runChild(job: FileJob, folder: string): Promise<ChildEnd> {
  const { NODE_TEST_CONTEXT: _ours, ...env } = job.env;
  const flags = [
    "--disable-warning=ExperimentalWarning",
    `--test-reporter=${REPORTER}`,
    `--test-reporter-destination=${job.report}`,
  ];
  const child = spawn(process.execPath, [...flags, join(job.root, job.path)], {
    cwd: job.root,
    env: { ...env, TMPDIR: folder, CAIRN_TEST_MARK: folder },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const limit = AbortSignal.timeout(job.limitMs);
  const kill = (): void => killGroup(child);
  const stop = AbortSignal.any([limit, job.signal]);
  stop.addEventListener("abort", kill, { once: true });
  if (stop.aborted) kill();
  const output = collect(child);
  // Not "close": a straggler that inherited the pipes would hold it open.
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  stop.removeEventListener("abort", kill);
  // What is still in the group now was left behind; it is reported and ended by its mark.
  return { code: code ?? signal ?? "?", output: output(), overdue: limit.aborted };
}

function collect(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => (text = tail(text + part)));
  }
  return () => text;
}

function tail(output: string): string {
  return output.length <= OUTPUT_MAX ? output : output.slice(-OUTPUT_MAX);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ESRCH")) throw cause;
  }
}
