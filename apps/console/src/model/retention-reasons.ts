import type { ReplyOf } from "./api-types.ts";
import type { RetentionWords } from "./words/english-retention.ts";

/** Why a snapshot stays or goes, as the API tells it. */
export type RetentionReason = Judged["snapshots"][number]["reasons"][number];
type Judged = ReplyOf<"POST /workloads/{workload_id}/retention/preview">["preview"];

/** The reasons of one snapshot as a phrase of the language, the strongest first. */
export function reasonsText(reasons: readonly RetentionReason[], words: RetentionWords): string {
  const [first = "", ...others] = reasons.map((reason) => reasonText(reason, words));
  return others.length === 0 ? first : words.also(first, others.join(", "));
}

function reasonText(reason: RetentionReason, words: RetentionWords): string {
  const { code, place = 0, of = 0, days = 0, by_hand: isByHand = false } = reason;
  switch (code) {
    case "failed":
      return reason.is_over === true ? words.failedOver(days) : words.failedWithin(days);
    case "last":
      return isByHand ? words.lastByHand(place, of) : words.last(place, of);
    case "days":
      return isByHand ? words.daysByHand(days) : words.days(days);
    case "tier": {
      const tier = reason.tier === undefined ? "" : words.tiers[reason.tier];
      return words.period(`${tier} ${reason.period ?? ""}`, place, of);
    }
    case "running":
    case "deleting":
    case "pinned":
    case "mounted":
    case "restoring":
    case "manual":
    case "base":
    case "newest":
    case "no-rules":
    case "no-schedule":
    case "outside":
      return words.reasons[code];
  }
}
