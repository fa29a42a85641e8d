import type { RetentionReason, RetentionVerdict } from "./retention.ts";

/** `kept: daily 2026-03-29 (3 of 7), also weekly 2026-W13 (1 of 4)`. */
export function describeVerdict({ verdict, reasons }: RetentionVerdict): string {
  return `${verdict === "keep" ? "kept" : "deleted"}: ${describeReasons(reasons)}`;
}

/** The reasons as one phrase: `daily 2026-03-29 (3 of 7), also weekly 2026-W13 (1 of 4)`. */
export function describeReasons(reasons: readonly RetentionReason[]): string {
  const [first, ...others] = reasons.map(describeReason);
  return others.length === 0 ? (first ?? "") : `${first}, also ${others.join(", ")}`;
}

function describeReason(reason: RetentionReason): string {
  switch (reason.kind) {
    case "running":
      return "is being taken";
    case "deleting":
      return "is being deleted already";
    case "pinned":
      return "pinned";
    case "mounted":
      return "mounted";
    case "restoring":
      return "a restore reads it";
    case "manual":
      return "taken by hand";
    case "base":
      return "the next incremental snapshot counts from it";
    case "newest":
      return "the newest that can be restored";
    case "no-rules":
      return "the policy has no rule";
    case "outside":
      return "outside of every rule";
    case "failed":
      return reason.isOver
        ? `failed more than ${days(reason.days)} ago`
        : `failed within ${days(reason.days)}; it explains why`;
    case "last":
      return `${reason.manual ? "last by hand" : "last"} (${reason.place} of ${reason.of})`;
    case "days":
      return `${reason.manual ? "by hand, " : ""}within ${days(reason.days)}`;
    case "tier":
      return `${reason.tier} ${reason.period} (${reason.place} of ${reason.of})`;
  }
}

function days(count: number): string {
  return count === 1 ? "1 day" : `${count} days`;
}
