import { useState } from "react";
import type { Progress } from "../../model/api-types.ts";
import { paceOf, type Samples, withSample } from "../../model/progress.ts";
import { useFormats, useWords } from "../surroundings.tsx";

/** How far each disk is, how fast it goes, and when it will be done. */
export function DiskCourse({
  progress,
  readAtMs,
}: {
  readonly progress: Progress;
  readonly readAtMs: number;
}) {
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
