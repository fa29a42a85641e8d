import type { ReplyOf } from "../../../model/api-types.ts";
import { chargesOf, priceOf } from "../../../model/charges.ts";
import { DownloadCsv } from "../../parts/download-csv.tsx";
import { useWords } from "../../surroundings.tsx";

interface CsvProps<Reply> {
  readonly reply: Reply | undefined;
  /** For a stored GiB. */
  readonly price: number;
}

/** What each project takes and costs, in bytes and whole: programs reckon on with it. */
export function ProjectsCsv({ reply, price }: CsvProps<ReplyOf<"GET /workloads/metrics/tenants_usage">>) {
  const { operator, overview, workload, workloads } = useWords();
  const { usage } = operator;
  const header = [
    operator.project,
    usage.id(operator.project),
    overview.protected,
    overview.instances,
    workloads.title,
    workload.snapshots,
    usage.inBytes(usage.full),
    usage.inBytes(usage.incremental),
    usage.inBytes(workloads.stored),
    usage.cost,
  ];
  const make = (all: NonNullable<typeof reply>["tenants_usage"]) => ({
    header,
    rows: Object.entries(all).map(([id, each]) => [
      each.tenant_name,
      id,
      each.vms_protected,
      each.total_vms,
      each.workloads,
      each.snapshots,
      each.full.usage,
      each.incremental.usage,
      each.used_capacity,
      priceOf(each.used_capacity, price),
    ]),
  });
  return (
    <DownloadCsv
      what="usage-projects"
      of={usage.projects}
      make={reply === undefined ? undefined : async () => Promise.resolve(make(reply.tenants_usage))}
    />
  );
}

/** What each protected instance takes and costs. */
export function ChargesCsv({ reply, price }: CsvProps<ReplyOf<"GET /workloads/metrics/tenants_chargeback">>) {
  const { operator, overview, workloads } = useWords();
  const { usage } = operator;
  const header = [
    overview.instance,
    operator.project,
    overview.workload,
    usage.disks,
    usage.inBytes(usage.provisioned),
    usage.inBytes(workloads.stored),
    usage.cost,
  ];
  const make = (all: NonNullable<typeof reply>) => ({
    header,
    rows: chargesOf(all).map((each) => [
      each.instance,
      each.project,
      each.workload,
      each.disks,
      each.provisionedBytes,
      each.storedBytes,
      priceOf(each.storedBytes, price),
    ]),
  });
  return (
    <DownloadCsv
      what="usage-instances"
      of={usage.instances}
      make={reply === undefined ? undefined : async () => Promise.resolve(make(reply))}
    />
  );
}
