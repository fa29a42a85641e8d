import { Button } from "@mantine/core";
import { useState } from "react";
import type { Progress, Snapshot } from "../../model/api-types.ts";
import { paceOf, type Samples, withSample } from "../../model/progress.ts";
import { isRunning } from "../../model/states.ts";
import { useChange, useRead } from "../reading.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";
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
      {progress !== null && <Disks progress={progress} readAtMs={readAtMs} />}
      <CancelButton snapshot={snapshot} />
    </>
  );
}

function Disks({ progress, readAtMs }: { readonly progress: Progress; readonly readAtMs: number }) {
  const [samples, setSamples] = useState<{ readonly atMs: number; readonly of: Samples }>({
    atMs: 0,
    of: new Map(),
  });
  // It follows from what was read last, and is set while drawing: react.dev/reference/react/useState.
  if (samples.atMs !== readAtMs) {
    setSamples({ atMs: readAtMs, of: withSample(samples.of, progress, readAtMs) });
  }
  return (
    <div className="disks">
      {progress.disks.map((disk) => (
        <Disk key={disk.disk_id} disk={disk} samples={samples.of} />
      ))}
    </div>
  );
}

function Disk({ disk, samples }: { readonly disk: Progress["disks"][number]; readonly samples: Samples }) {
  const { workload } = useWords();
  const formats = useFormats();
  const { share, bytesPerSecond, remainingSeconds } = paceOf(disk, samples);
  const name = workload.disk(disk.instance, disk.disk);
  const pace = [
    workload.diskProgress(formats.bytes(disk.done_bytes), formats.bytes(disk.total_bytes)),
    ...(bytesPerSecond === undefined ? [] : [formats.rate(bytesPerSecond)]),
    ...(remainingSeconds === undefined ? [] : [formats.duration(remainingSeconds)]),
  ];
  return (
    <div className="disk">
      <div>
        <span>{name}</span>
        <span className="soft">{pace.join(" · ")}</span>
      </div>
      <progress aria-label={name} max={1} value={share} />
    </div>
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
