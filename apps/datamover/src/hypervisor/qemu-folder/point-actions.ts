import type { ProtectedDisk } from "@cairn/contract";
import type { QemuNode } from "../nodes.ts";
import type { ReadPlan } from "../port.ts";
import { BITMAP_GRANULARITY_BYTES } from "../read-plan.ts";
import type { DomainDisk } from "./domain.ts";

/** The copy of a base's bitmap on a scratch node. */
export const CHANGES_BITMAP = "r";

/** One disk between observation and point. */
export interface PlannedDisk {
  readonly order: ProtectedDisk;
  readonly disk: DomainDisk;
  readonly top: QemuNode;
  readonly plan: ReadPlan;
  /** Name of its scratch node, its job and its export. */
  readonly name: string;
}

/**
 * The actions of the point, in an order that is right even if guests write between two of them: the new
 * bitmap records from before the point (it may say dirty too much, never too little); the old one is read
 * after it, so that it has every write before the point.
 */
export function pointActions(planned: readonly PlannedDisk[], bitmap: string): readonly unknown[] {
  const granularity = BITMAP_GRANULARITY_BYTES;
  const starts = planned.map(({ top }) => ({
    type: "block-dirty-bitmap-add",
    data: { node: top.name, name: bitmap, granularity, persistent: top.canKeepBitmaps },
  }));
  const cuts = planned.map(({ name, top }) => ({
    type: "blockdev-backup",
    data: { "job-id": name, device: top.name, target: name, sync: "none" },
  }));
  const freezes = planned.flatMap(({ name, top, plan }) => {
    if (plan.mode === "full") return [];
    const add = { node: name, name: CHANGES_BITMAP, granularity, persistent: false, disabled: true };
    const bitmaps = [{ node: top.name, name: plan.since.bitmap }];
    return [
      { type: "block-dirty-bitmap-add", data: add },
      { type: "block-dirty-bitmap-merge", data: { node: name, target: CHANGES_BITMAP, bitmaps } },
    ];
  });
  return [...starts, ...cuts, ...freezes];
}
