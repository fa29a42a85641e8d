import type { DomainRef, LibvirtClient } from "@cairn/libvirt";
import { fieldsOf, listOf, optionalText } from "../host/json.ts";
import { domainMonitor } from "../hypervisor/libvirt/link.ts";
import { listDeviceNodes } from "../hypervisor/nodes.ts";
import type { WriteTimes } from "./safety.ts";

const NS_PER_MS = 1_000_000;
const FIRST_NS = 50_000;
const FACTOR = 1.25;
/** Up to 60 s. */
const BOUNDARIES_NS = Array.from({ length: 63 }, (_, index) => Math.round(FIRST_NS * FACTOR ** index));

/** How long the writes of a guest's disks take, as QEMU counts them (`block-latency-histogram-set`). */
export class WriteMeter {
  readonly #monitor: ReturnType<typeof domainMonitor>;

  private constructor(monitor: ReturnType<typeof domainMonitor>) {
    this.#monitor = monitor;
  }

  static async start(client: LibvirtClient, domain: DomainRef): Promise<WriteMeter> {
    const monitor = domainMonitor(client, domain);
    for (const id of (await listDeviceNodes(monitor, AbortSignal.any([]))).keys())
      await monitor.execute("block-latency-histogram-set", { id, "boundaries-write": BOUNDARIES_NS });
    return new WriteMeter(monitor);
  }

  /** Of all disks together; a time is the upper end of its step, a quarter more than the lower one. */
  async read(): Promise<WriteTimes> {
    const bins = BOUNDARIES_NS.map(() => 0);
    for (const device of listOf(await this.#monitor.execute("query-blockstats", {}))) {
      if (optionalText(device, "qdev") === undefined) continue;
      const histogram = fieldsOf(fieldsOf(device["stats"])["wr_latency_histogram"]);
      const counts = Array.isArray(histogram["bins"]) ? histogram["bins"] : [];
      for (const [index, count] of counts.entries()) bins[index] = (bins[index] ?? 0) + Number(count);
    }
    const count = bins.reduce((sum, each) => sum + each, 0);
    return { count, p50Ms: below(bins, count * 0.5), p99Ms: below(bins, count * 0.99) };
  }
}

function below(bins: readonly number[], wanted: number): number {
  let seen = 0;
  for (const [index, count] of bins.entries()) {
    seen += count;
    if (seen >= wanted) return (BOUNDARIES_NS[index] ?? Number.POSITIVE_INFINITY) / NS_PER_MS;
  }
  return 0;
}
