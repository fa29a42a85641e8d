import { atMost, type Row } from "../rows.ts";
import { type Answers, ask } from "./clients.ts";
import type { CrowdProject } from "./crowd.ts";
import type { ApiTree } from "./tree.ts";

const CLIENTS = 50;
const LIMIT_MS = 100;
const PAGE = 100;

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
  { seconds, tell }: { readonly seconds: number; readonly tell: (line: string) => void },
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { what, path } of QUESTIONS) {
    const answers = await askAll(tree, projects, { seconds, path });
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
  { seconds, path }: { readonly seconds: number; readonly path: Question["path"] },
): Promise<Answers> {
  const [first] = projects;
  if (first === undefined) throw new Error("there is at least one project");
  // A token is for one project; which of them asks does not change what an answer costs.
  const load = { baseUrl: `${tree.apiUrl}/v1/${first.id}`, token: first.token, clients: CLIENTS };
  const next = (client: number, turn: number): string => path(first, client * 31 + turn);
  await ask({ ...load, seconds: 1, next });
  return ask({ ...load, seconds, next });
}
