import { NumberInput } from "@mantine/core";
import { useState } from "react";
import type { ReplyOf } from "../../../model/api-types.ts";
import { type Charge, chargesOf, priceOf } from "../../../model/charges.ts";
import { Listing } from "../../parts/listing.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import type { Column } from "../../parts/table.tsx";
import { useRead } from "../../reading.ts";
import { useFormats, useWords } from "../../surroundings.tsx";
import { ChargesCsv, ProjectsCsv } from "./usage-export.tsx";

type Project = ReplyOf<"GET /workloads/metrics/tenants_usage">["tenants_usage"][string];

/** What each project protects and takes, and what that costs by a price for a GiB. */
export function Usage() {
  const { usage, rooms } = useWords().operator;
  const [price, setPrice] = useState(0);
  const projects = useRead("GET /workloads/metrics/tenants_usage", {});
  const charges = useRead("GET /workloads/metrics/tenants_chargeback", {});
  return (
    <Page title={rooms.usage}>
      <section className="panel">
        <div className="filters">
          <NumberInput
            label={usage.price}
            description={usage.priceHint}
            min={0}
            hideControls
            value={price}
            onChange={(typed) => setPrice(typed === "" ? 0 : Number(typed))}
          />
        </div>
      </section>
      <Panel title={usage.projects}>
        <Listing
          from={projects}
          rowsOf={({ tenants_usage: all }) =>
            Object.values(all).toSorted((one, other) => other.used_capacity - one.used_capacity)
          }
          keyOf={({ tenant_name: name }) => name}
          label={usage.projects}
          columns={useProjectColumns(price)}
          empty={{ title: usage.none }}
        />
        <ProjectsCsv reply={projects.data} price={price} />
      </Panel>
      <Panel title={usage.instances}>
        <Listing
          from={charges}
          rowsOf={chargesOf}
          keyOf={({ key }) => key}
          label={usage.instances}
          columns={useChargeColumns(price)}
          empty={{ title: usage.none }}
        />
        <ChargesCsv reply={charges.data} price={price} />
      </Panel>
    </Page>
  );
}

function useProjectColumns(price: number): readonly Column<Project>[] {
  const { operator, overview, workload, workloads } = useWords();
  const { usage } = operator;
  const formats = useFormats();
  return [
    {
      title: operator.project,
      kind: "name",
      show: ({ tenant_name: name }) => <span translate="no">{name}</span>,
    },
    {
      title: overview.protected,
      kind: "number",
      show: ({ vms_protected: some, total_vms: all }) =>
        all === null ? formats.count(some) : overview.ofAll(formats.count(some), formats.count(all)),
    },
    { title: workloads.title, kind: "number", show: (each) => formats.count(each.workloads) },
    { title: workload.snapshots, kind: "number", show: (each) => formats.count(each.snapshots) },
    { title: usage.full, kind: "number", show: ({ full }) => formats.bytes(full.usage) },
    { title: usage.incremental, kind: "number", show: (each) => formats.bytes(each.incremental.usage) },
    { title: workloads.stored, kind: "number", show: (each) => formats.bytes(each.used_capacity) },
    { title: usage.cost, kind: "number", show: (each) => formats.amount(priceOf(each.used_capacity, price)) },
  ];
}

function useChargeColumns(price: number): readonly Column<Charge>[] {
  const { operator, overview, workloads } = useWords();
  const { usage } = operator;
  const formats = useFormats();
  return [
    {
      title: overview.instance,
      kind: "name",
      show: ({ instance }) => <span translate="no">{instance}</span>,
    },
    { title: operator.project, show: ({ project }) => <span translate="no">{project}</span> },
    { title: overview.workload, show: ({ workload }) => <span translate="no">{workload}</span> },
    { title: usage.disks, kind: "number", show: ({ disks }) => formats.count(disks) },
    { title: usage.provisioned, kind: "number", show: (each) => formats.bytes(each.provisionedBytes) },
    { title: workloads.stored, kind: "number", show: (each) => formats.bytes(each.storedBytes) },
    { title: usage.cost, kind: "number", show: (each) => formats.amount(priceOf(each.storedBytes, price)) },
  ];
}
