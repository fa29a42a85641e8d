import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { Workload } from "../../model/api-types.ts";
import { type Deed, obstacleTo } from "../../model/deeds.ts";
import { readSchedule } from "../../model/schedule.ts";
import { useChange } from "../reading.ts";
import { useSession, useWords } from "../surroundings.tsx";
import { DeleteWorkload } from "./delete-workload.tsx";
import { Failure } from "./notes.tsx";
import { Panel } from "./page.tsx";

/** What else can be done with a workload: each with what it does, or why it cannot be done now. */
export function Manage({ workload }: { readonly workload: Workload }) {
  const { manage: words } = useWords();
  const { mayNot } = useSession();
  const { isOn } = readSchedule(workload.jobschedule, 0);
  const deeds: readonly Deed[] = [isOn ? "pause" : "resume", "reset", "delete"];
  // What stands in the way of several is said once.
  const obstacles = new Set(deeds.flatMap((deed) => obstacleTo(deed, workload, mayNot) ?? []));
  return (
    <Panel title={words.title}>
      {[...obstacles].map((obstacle) => (
        <p key={obstacle} className="soft">
          {words.obstacles[obstacle]}
        </p>
      ))}
      <ul className="deeds">
        <Simple workload={workload} deed={isOn ? "pause" : "resume"} />
        <Simple workload={workload} deed="reset" />
        <Simple workload={workload} deed="unlock" />
        <Delete workload={workload} />
      </ul>
    </Panel>
  );
}

const REQUESTS = {
  pause: "POST /workloads/{workload_id}/pause",
  resume: "POST /workloads/{workload_id}/resume",
  reset: "POST /workloads/{workload_id}/reset",
  unlock: "POST /workloads/{workload_id}/unlock",
} as const;

/** Something that one press does, and another one takes back, or that costs no more than time. */
function Simple({ workload, deed }: { readonly workload: Workload; readonly deed: keyof typeof REQUESTS }) {
  const { manage } = useWords();
  const change = useChange(REQUESTS[deed]);
  const reason = useReason(deed, workload);
  const words = manage[deed];
  return (
    <DeedRow
      title={words.title}
      hint={words.hint}
      outcome={
        <>
          {reason === manage.obstacles.notLocked && <p className="soft">{reason}</p>}
          <output className="soft">{change.isSuccess ? words.done : ""}</output>
          {change.error !== null && <Failure of={change.error} />}
        </>
      }
    >
      <Button
        variant="default"
        disabled={reason !== undefined}
        title={reason}
        loading={change.isPending}
        onClick={() => change.mutate({ params: { workload_id: workload.id } })}
      >
        {"button" in words ? words.button : words.title}
      </Button>
    </DeedRow>
  );
}

function Delete({ workload }: { readonly workload: Workload }) {
  const { delete: words } = useWords().manage;
  const [isOpen, open] = useState(false);
  const reason = useReason("delete", workload);
  return (
    <DeedRow title={words.title} hint={words.hint}>
      <Button
        variant="default"
        color="red"
        disabled={reason !== undefined}
        title={reason}
        onClick={() => open(true)}
      >
        {words.open}
      </Button>
      <DeleteWorkload workload={workload} isOpen={isOpen} onClose={() => open(false)} />
    </DeedRow>
  );
}

/** Why something cannot be done with a workload, as a sentence. */
function useReason(deed: Deed, workload: Workload): string | undefined {
  const { manage } = useWords();
  const { mayNot } = useSession();
  const obstacle = obstacleTo(deed, workload, mayNot);
  return obstacle === undefined ? undefined : manage.obstacles[obstacle];
}

function DeedRow({
  title,
  hint,
  outcome,
  children,
}: {
  readonly title: string;
  readonly hint: string;
  readonly outcome?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <li>
      <div>
        <h3>{title}</h3>
        <p className="soft">{hint}</p>
        {outcome}
      </div>
      {children}
    </li>
  );
}
