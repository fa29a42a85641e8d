import { inspect } from "node:util";

/** A test of a file that has begun or ended, as the reporter writes it: a JSON object a line. */
export interface TestLine {
  readonly outcome: "begun" | "passed" | "failed" | "skipped";
  /** The names of the enclosing suites and of the test. */
  readonly name: string;
  /** `file:line` of the test, and the error; only when it failed. */
  readonly failure?: { readonly at: string; readonly error: string };
}

/** What this reporter reads of node:test's events (`TestStream` in Node's documentation). */
interface Event {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly nesting: number;
    readonly file?: string;
    readonly line?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly details?: { readonly type?: string; readonly error?: Error & { readonly failureType?: string } };
  };
}

/** A reporter of node:test (`--test-reporter`) that writes the beginning and the end of each test. */
async function* report(events: AsyncIterable<Event>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const { type, data } of events) {
    if (type === "test:start") names[data.nesting] = data.name;
    // Told at once; starts are held back until the test has something to say.
    if (type === "test:dequeue") yield encode({ outcome: "begun", name: data.name });
    if (type !== "test:pass" && type !== "test:fail") continue;
    const line = lineOf(type, data, names.slice(0, data.nesting));
    if (line !== undefined) yield encode(line);
  }
}

function encode(line: TestLine): string {
  return `${JSON.stringify(line)}\n`;
}

function lineOf(type: string, data: Event["data"], suites: readonly string[]): TestLine | undefined {
  const isSuite = data.details?.type === "suite";
  const error = data.details?.error;
  const name = [...suites, data.name].join(" > ");
  if (type === "test:pass") {
    const isSkipped = (data.skip ?? false) !== false || (data.todo ?? false) !== false;
    return isSuite ? undefined : { outcome: isSkipped ? "skipped" : "passed", name };
  }
  // A suite fails because of a test that is reported itself, or by itself, such as in a hook.
  if (isSuite && error?.failureType === "subtestsFailed") return undefined;
  const at = `${data.file ?? "?"}:${data.line ?? 0}`;
  return { outcome: "failed", name, failure: { at, error: inspect(error?.cause ?? error) } };
}

/** @public Node demands a default export of a reporter. */
export { report as default };
