import { constants } from "node:os";
import { resolve } from "node:path";
import { runTests } from "./test-run.ts";

// `./cairn test [FILTER...]`: the one place of this program that touches process state.
const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    stopping.abort();
    process.exitCode = 128 + constants.signals[name];
  });
}
const verdict = await runTests({
  root: resolve(import.meta.dirname, "../.."),
  filters: process.argv.slice(2),
  env: process.env,
  signal: stopping.signal,
  say: (line) => void process.stdout.write(`${line}\n`),
});
process.exit(process.exitCode ?? (verdict === "passed" ? 0 : 1));
