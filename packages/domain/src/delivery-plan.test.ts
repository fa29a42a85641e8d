import assert from "node:assert/strict";
import { test } from "node:test";
import { afterFailure, DELIVERY_GIVE_UP_MS } from "./delivery-plan.ts";

const away = { kind: "unavailable", message: "connection refused" } as const;

test("what does not arrive is sent again with growing pauses, and given up after a day", () => {
  const pauses: number[] = [];
  let ageMs = 0;
  for (let attempt = 1; ; attempt += 1) {
    const verdict = afterFailure(attempt, ageMs, away);
    if (verdict.kind === "give-up") {
      assert.equal(verdict.because, "given up after 24 hours: connection refused");
      break;
    }
    assert.ok(verdict.pauseMs >= (pauses.at(-1) ?? 0), "pauses grow");
    pauses.push(verdict.pauseMs);
    ageMs += verdict.pauseMs;
  }
  assert.deepEqual(pauses.slice(0, 4), [5_000, 30_000, 120_000, 600_000]);
  assert.ok(ageMs <= DELIVERY_GIVE_UP_MS && ageMs > DELIVERY_GIVE_UP_MS * 0.75, String(ageMs));
});

test("what was refused for good is not sent again", () => {
  const verdict = afterFailure(1, 0, { kind: "refused", message: "no such user" });
  assert.deepEqual(verdict, { kind: "give-up", because: "no such user" });
});
