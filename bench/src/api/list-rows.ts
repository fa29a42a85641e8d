import type { Meter } from "../measure.ts";
import { atMost, type Row } from "../rows.ts";
import { type Answers, ask } from "./clients.ts";
import type { CrowdProject } from "./crowd.ts";
import type { ApiTree } from "./tree.ts";

const CLIENTS = 50;
const LIMIT_MS = 100;
const PAGE = 100;

/** Different paths of one question, walked through again and again. */
const PATHS = 1_000;

/** How long each question is asked. */
interface ListWork {
  readonly meter: Meter;
  readonly seconds: number;
  readonly tell: (line: string) => void;
}

interface Question {
  readonly what: string;
  readonly path: (project: CrowdProject, turn: number) => string;
}

/** What people and consoles ask most. Every client walks through other workloads and pages. */
const QUESTIONS: readonly Question[] = [
  { what: `list of workloads, a page of ${String(PAGE)}`, path: () => `/workloads?limit=${String(PAGE)}` },
  {
    what: `list of workloads in detail, a page of ${String(PAGE)}`,
    path: () => `/workloads/detail?limit=${String(PAGE)}`,
  },
  { what: "one workload", path: (project, turn) => `/workloads/${workloadOf(project, turn)}` },
  {
    what: `snapshots of the project, a page of ${String(PAGE)}`,
    path: () => `/snapshots?limit=${String(PAGE)}`,
  },
  {
    what: "snapshots of one workload",
    path: (project, turn) => `/snapshots?workload_id=${workloadOf(project, turn)}&limit=${String(PAGE)}`,
  },
];

function workloadOf({ workloadIds }: CrowdProject, turn: number): string {
  return workloadIds[(turn * 7_919) % workloadIds.length] ?? "";
}

/** Asks one question after the other, each for so many seconds. */
export async function listRows(
  tree: ApiTree,
  projects: readonly CrowdProject[],
  { meter, seconds, tell }: ListWork,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { what, path } of QUESTIONS) {
    const answers = await askAll(tree, projects, { meter, seconds, path });
    const rate = (answers.count / answers.seconds).toFixed(0);
    const size = (answers.bytes / answers.count / 1024).toFixed(0);
    const times = `p50 ${answers.p50Ms.toFixed(0)} ms, p99 ${answers.p99Ms.toFixed(0)} ms`;
    tell(`api         cairn  ${what}: ${times}, ${rate} a second, ${size} KiB each`);
    const figure = `${what}: p99, ${String(CLIENTS)} clients without a pause`;
    rows.push(atMost(LIMIT_MS, { work: "api", figure, is: answers.p99Ms, unit: "ms" }));
  }
  return rows;
}

async function askAll(
  tree: ApiTree,
  projects: readonly CrowdProject[],
  { meter, seconds, path }: Omit<ListWork, "tell"> & Pick<Question, "path">,
): Promise<Answers> {
  const [first] = projects;
  if (first === undefined) throw new Error("there is at least one project");
  // A token is for one project; which of them asks does not change what an answer costs.
  const paths = Array.from({ length: PATHS }, (_, turn) => `/v1/${first.id}${path(first, turn)}`);
  const load = { origin: tree.apiUrl, token: first.token, clients: CLIENTS, paths };
  await ask(meter, { ...load, seconds: 1 });
  return ask(meter, { ...load, seconds });
}
