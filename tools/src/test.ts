import { constants } from "node:os";
import { resolve } from "node:path";
import { parseTestArguments, type TestArguments } from "./test-arguments.ts";
import { runTests } from "./test-run.ts";

// `./cairn test`: the one place that touches process state.
const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    stopping.abort();
    process.exitCode = 128 + constants.signals[name];
  });
}
const verdict = await runAsked(parseTestArguments(process.argv.slice(2), process.cwd()));
process.exit(process.exitCode ?? verdict);

async function runAsked(asked: TestArguments): Promise<0 | 1 | 2> {
  if (asked.kind === "wrong") {
    process.stderr.write(`cairn test: ${asked.because}\n`);
    return 2;
  }
  const { filters, cloudFolder, isShort, again, history } = asked;
  const passed = await runTests({
    root: resolve(import.meta.dirname, "../.."),
    filters,
    cloudFolder,
    isShort,
    again,
    env: { ...process.env, ...historyOf(history) },
    ...limitOf(process.env["CAIRN_TEST_FILE_MINUTES"]),
    signal: stopping.signal,
    say: (line) => void process.stdout.write(`${line}\n`),
  });
  return passed === "passed" ? 0 : 1;
}

/** What `test/src/cloud/truth.cloud.test.ts` reads. */
function historyOf({ seed, operations }: { readonly seed?: string; readonly operations?: string }) {
  return {
    ...(seed === undefined ? {} : { CAIRN_TRUTH_SEED: seed }),
    ...(operations === undefined ? {} : { CAIRN_TRUTH_OPERATIONS: operations }),
  };
}

/** A long history on a real cloud takes longer than a file may by default. */
function limitOf(minutes: string | undefined): { readonly limitMs?: number } {
  return minutes === undefined ? {} : { limitMs: Number(minutes) * 60_000 };
}
