import { Button } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ReplyOf, Snapshot } from "../../model/api-types.ts";
import { hrefOfRestore } from "../../model/place.ts";
import { obstacleToRestore, type RestoreBody, type RestoreKind } from "../../model/restores.ts";
import { useChange, useRead } from "../reading.ts";
import { useSettled } from "../settled.ts";
import { useSession, useWords } from "../surroundings.tsx";
import { Failure, Loaded } from "./notes.tsx";
import { Panel } from "./page.tsx";
import { State } from "./state.tsx";

type Report = ReplyOf<"POST /workloads/{workload_id}/snapshots/{snapshot_id}/restores/check">;

/** What the check of a restore found; `isCurrent`: it is of what is asked for now. */
interface Preflight {
  readonly read: UseQueryResult<Report>;
  readonly isCurrent: boolean;
}

/** Has the service check a restore whenever it is changed, without beginning it. */
function usePreflight(snapshot: Snapshot, body: RestoreBody): Preflight {
  const settled = useSettled(body);
  const read = useRead(
    "POST /workloads/{workload_id}/snapshots/{snapshot_id}/restores/check",
    { params: { workload_id: snapshot.workload_id, snapshot_id: snapshot.id }, body: settled },
    { isList: true },
  );
  return { read, isCurrent: settled === body && !read.isPlaceholderData };
}

function Findings({ problems }: { readonly problems: Report["problems"] }) {
  const { check } = useWords().restores;
  if (problems.length === 0) {
    return (
      <>
        <State tone="good">{check.clear}</State>
        <p className="soft">{check.clearHint}</p>
      </>
    );
  }
  return (
    <ul className="tasks">
      {problems.map(({ message, remedy }) => (
        <li key={message}>
          <State tone="bad">{check.stops}</State>
          <span>
            {message} <span className="soft">{remedy}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

interface Asked {
  readonly snapshot: Snapshot;
  readonly body: RestoreBody;
  readonly kind: RestoreKind;
  /** What is still to be done on the page, as a sentence. */
  readonly missing?: string | undefined;
}

/**
 * The end of each way to restore: what the service says to it beforehand, the last fields, and the button
 * that begins it and leads to the restore's page.
 */
export function CheckedRestore({ children, ...asked }: Asked & { readonly children: ReactNode }) {
  const { check } = useWords().restores;
  const preflight = usePreflight(asked.snapshot, asked.body);
  return (
    <>
      <Panel title={check.title}>
        <div aria-live="polite">
          <Loaded from={preflight.read}>{({ problems }) => <Findings problems={problems} />}</Loaded>
        </div>
      </Panel>
      <section className="panel fields">
        {children}
        <Begin asked={asked} preflight={preflight} />
      </section>
    </>
  );
}

/** The same end while there is nothing yet that could be checked. */
export function UnreadyRestore({ kind, reason }: { readonly kind: RestoreKind; readonly reason: string }) {
  const { wizard } = useWords().restores;
  return (
    <section className="panel begin">
      <Button disabled title={reason}>
        {wizard.begin[kind]}
      </Button>
      <p className="soft">{reason}</p>
    </section>
  );
}

function Begin({
  asked: { snapshot, body, kind, missing },
  preflight,
}: {
  readonly asked: Asked;
  readonly preflight: Preflight;
}) {
  const { wizard } = useWords().restores;
  const begin = useChange("POST /workloads/{workload_id}/snapshots/{snapshot_id}/restores");
  const obstacle = useObstacle(snapshot, preflight);
  // From the press on the snapshot is in use, and the page is about to be left.
  const isBegun = begin.isPending || begin.isSuccess;
  const reason = isBegun ? undefined : (obstacle ?? missing);
  const go = (): void =>
    begin.mutate(
      { params: { workload_id: snapshot.workload_id, snapshot_id: snapshot.id }, body },
      {
        onSuccess: ({ restore }) => {
          location.hash = hrefOfRestore(restore.id);
        },
      },
    );
  return (
    <>
      {begin.error !== null && <Failure of={begin.error} />}
      <div className="begin">
        <Button
          {...(kind === "inplace" ? { color: "red" } : {})}
          disabled={reason !== undefined}
          title={reason}
          loading={isBegun}
          onClick={go}
        >
          {wizard.begin[kind]}
        </Button>
        {reason !== undefined && <p className="soft">{reason}</p>}
      </div>
    </>
  );
}

/** Why a restore cannot be begun, as a sentence. */
function useObstacle(snapshot: Snapshot, { read, isCurrent }: Preflight): string | undefined {
  const { restores } = useWords();
  const { mayNot } = useSession();
  const obstacle = obstacleToRestore(snapshot, mayNot);
  if (obstacle !== undefined) return restores.obstacles[obstacle];
  if (read.data === undefined || !isCurrent) return restores.wizard.checking;
  return read.data.problems.length === 0 ? undefined : restores.wizard.stopped;
}
