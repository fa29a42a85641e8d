import { asError, describeFault, Fault, systemClock } from "@cairn/kernel";
import { openStore } from "@cairn/store";
import type { SweepAnswer, SweepRequest } from "./apart.ts";
import { sweep } from "./sweep.ts";

// One sweep in a process of its own: sweepApart asks by a message and gets one. Nothing outlives who asked.
process.once("message", (request) => {
  void answer(request as SweepRequest).then((said) => {
    process.send?.(said, () => {
      process.disconnect();
    });
  });
});
process.once("disconnect", () => {
  process.exit(0);
});

async function answer({ target, ...request }: SweepRequest): Promise<SweepAnswer> {
  const store = openStore(target);
  const { signal } = new AbortController();
  try {
    const report = await sweep({ ...request, store, remover: store, clock: systemClock, signal });
    return { kind: "swept", report };
  } catch (cause) {
    const message = describeFault(asError(cause));
    if (cause instanceof Fault) return { kind: "failed", code: cause.code, message, retry: cause.retry };
    return { kind: "failed", code: "bug", message, retry: "never" };
  }
}
