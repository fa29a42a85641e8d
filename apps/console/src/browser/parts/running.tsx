import { Button } from "@mantine/core";
import type { Snapshot } from "../../model/api-types.ts";
import { isRunning } from "../../model/states.ts";
import { useChange, useRead } from "../reading.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";
import { DiskCourse } from "./disk-course.tsx";
import { Failure, Loaded, Note } from "./notes.tsx";
import { Facts, Panel } from "./page.tsx";

/** A snapshot that is being taken: how far each disk is, how fast it goes, and when it will be done. */
export function Running({ id }: { readonly id: string }) {
  const { workload } = useWords();
  const read = useRead(
    "GET /snapshots/{snapshot_id}",
    { params: { snapshot_id: id } },
    { isMoving: ({ snapshot }) => isRunning(snapshot.status) },
  );
  return (
    <Panel title={workload.running}>
      <Loaded from={read}>
        {({ snapshot }) => <Course snapshot={snapshot} readAtMs={read.dataUpdatedAt} />}
      </Loaded>
    </Panel>
  );
}

function Course({ snapshot, readAtMs }: { readonly snapshot: Snapshot; readonly readAtMs: number }) {
  const { workload } = useWords();
  const formats = useFormats();
  const { progress, waiting } = snapshot;
  const rate = progress?.bytes_per_second ?? null;
  const remaining = progress?.remaining_seconds ?? null;
  return (
    <>
      {waiting !== null && (
        <Note tone="busy" title={workload.waitingFor}>
          <p>{waiting.reason}</p>
        </Note>
      )}
      <Facts
        of={[
          [workload.phase, progress?.phase ?? workload.soon],
          [workload.rate, rate === null ? workload.soon : formats.rate(rate)],
          [workload.remaining, remaining === null ? workload.soon : formats.duration(remaining)],
          [workload.stored, formats.bytes(snapshot.stored_bytes)],
        ]}
      />
      {progress !== null && <DiskCourse progress={progress} readAtMs={readAtMs} />}
      <CancelButton snapshot={snapshot} />
    </>
  );
}

function CancelButton({ snapshot }: { readonly snapshot: Snapshot }) {
  const words = useWords();
  const { mayNot } = useSession();
  const cancel = useChange("POST /snapshots/{snapshot_id}/cancel");
  const isRefused = mayNot.has("cancelSnapshot");
  return (
    <div className="pager">
      {cancel.error !== null && <Failure of={cancel.error} />}
      <output>{cancel.isSuccess ? words.workload.cancelled : ""}</output>
      <Button
        variant="default"
        size="xs"
        loading={cancel.isPending}
        disabled={isRefused || snapshot.status === "cancelling"}
        title={isRefused ? words.states.refused : undefined}
        onClick={() => cancel.mutate({ params: { snapshot_id: snapshot.id } })}
      >
        {words.workload.cancel}
      </Button>
    </div>
  );
}
