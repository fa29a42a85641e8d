import { type Fields, fieldsOf, listOf, numberField, optionalText } from "../host/json.ts";
import type { Monitor } from "./monitor.ts";
import type { ObservedBitmap } from "./read-plan.ts";

/** A block node of a QEMU process or a storage daemon. */
export interface QemuNode {
  readonly name: string;
  readonly driver: string;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  /** qcow2 of version 2 (`compat=0.10`) has no room for bitmaps. */
  readonly canKeepBitmaps: boolean;
  readonly bitmaps: readonly ObservedBitmap[];
}

/** All named nodes. */
export async function listNodes(monitor: Monitor, signal: AbortSignal): Promise<readonly QemuNode[]> {
  const answer = await monitor.execute("query-named-block-nodes", { flat: true }, { signal });
  return listOf(answer).map(readNode);
}

/** Top node of each device by its qdev id. A job's filter node takes the place of the disk's own node. */
export async function listDeviceNodes(
  monitor: Monitor,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const devices = listOf(await monitor.execute("query-block", {}, { signal }));
  const tops = new Map<string, string>();
  for (const device of devices) {
    const qdev = optionalText(device, "qdev");
    const top = optionalText(fieldsOf(device["inserted"]), "node-name");
    if (qdev !== undefined && top !== undefined) tops.set(qdev, top);
  }
  return tops;
}

function readNode(node: Fields): QemuNode {
  const image = fieldsOf(node["image"]);
  const specific = fieldsOf(fieldsOf(image["format-specific"])["data"]);
  const driver = optionalText(node, "drv") ?? "";
  const sizeBytes = numberField(image, "virtual-size", "a block node");
  const actual = image["actual-size"];
  return {
    name: optionalText(node, "node-name") ?? "",
    driver,
    sizeBytes,
    allocatedBytes: typeof actual === "number" ? Math.min(actual, sizeBytes) : sizeBytes,
    canKeepBitmaps: driver === "qcow2" && specific["compat"] !== "0.10",
    // Jobs add nameless bitmaps of their own.
    bitmaps: listOf(node["dirty-bitmaps"])
      .filter((bitmap) => optionalText(bitmap, "name") !== undefined)
      .map(readBitmap),
  };
}

function readBitmap(bitmap: Fields): ObservedBitmap {
  return {
    name: optionalText(bitmap, "name") ?? "",
    granularityBytes: numberField(bitmap, "granularity", "a bitmap"),
    recording: bitmap["recording"] === true,
    busy: bitmap["busy"] === true,
    persistent: bitmap["persistent"] === true,
    inconsistent: bitmap["inconsistent"] === true,
  };
}
