import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { runChecks } from "./check-run.ts";

// `./cairn check [--only NAME[,NAME]...]`: the one place of this program that touches process state.
const { values } = parseArgs({ options: { only: { type: "string", multiple: true, default: [] } } });
const stopping = new AbortController();
process.once("SIGINT", () => stopping.abort());
const verdict = await runChecks({
  root: resolve(import.meta.dirname, "../.."),
  only: values.only.flatMap((names) => names.split(",")),
  signal: stopping.signal,
  say: (line) => void process.stdout.write(`${line}\n`),
});
process.exitCode = verdict === "clean" ? 0 : 1;
