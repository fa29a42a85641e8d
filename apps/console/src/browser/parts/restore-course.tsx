import { Button } from "@mantine/core";
import { useState } from "react";
import type { Restore } from "../../model/api-types.ts";
import { readPhase } from "../../model/restores.ts";
import { useChange } from "../reading.ts";
import { useFormats, useSession, useWords } from "../surroundings.tsx";
import { Dialog } from "./dialog.tsx";
import { DiskCourse } from "./disk-course.tsx";
import { Failure } from "./notes.tsx";
import { Facts, Panel } from "./page.tsx";

/** A restore that goes on: its phase, and how far each disk is. */
export function RestoreCourse({
  restore,
  readAtMs,
}: {
  readonly restore: Restore;
  readonly readAtMs: number;
}) {
  const { workload, restores } = useWords();
  const { restore: words } = restores;
  const formats = useFormats();
  const { progress } = restore;
  const rate = progress?.bytes_per_second ?? null;
  const remaining = progress?.remaining_seconds ?? null;
  return (
    <Panel title={words.running}>
      <Facts
        of={[
          [words.phase, <Phase key="phase" of={progress?.phase} />],
          [workload.rate, rate === null ? workload.soon : formats.rate(rate)],
          [workload.remaining, remaining === null ? workload.soon : formats.duration(remaining)],
          [words.done, formats.percent(restore.progress_percent / 100)],
        ]}
      />
      {progress !== null && progress.disks.length > 0 ? (
        <DiskCourse progress={progress} readAtMs={readAtMs} />
      ) : (
        <p className="foot">{words.preparing}</p>
      )}
      <Cancel restore={restore} />
    </Panel>
  );
}

function Phase({ of: phase }: { readonly of: string | undefined }) {
  const { workload, restores } = useWords();
  const { phases, safetyPhase } = restores.restore;
  if (phase === undefined) return workload.soon;
  const { isSafety, word, detail } = readPhase(phase);
  const shown = `${phases[word] ?? word}${detail === "" ? "" : `: ${detail}`}`;
  return isSafety ? safetyPhase(shown) : shown;
}

function Cancel({ restore }: { readonly restore: Restore }) {
  const words = useWords();
  const { restore: own } = words.restores;
  const { mayNot } = useSession();
  const [isOpen, open] = useState(false);
  const cancel = useChange("POST /restores/{restore_id}/cancel");
  const isInPlace = restore.restore_options.restore_type === "inplace";
  const isRefused = mayNot.has("cancelRestore");
  const isAsked = cancel.isSuccess || restore.status === "cancelling";
  return (
    <div className="pager">
      <output className="soft">{isAsked ? own.cancelAsked : isRefused ? words.states.refused : ""}</output>
      {cancel.error !== null && <Failure of={cancel.error} />}
      <Button
        variant="default"
        size="xs"
        disabled={isRefused || isAsked}
        title={isRefused ? words.states.refused : undefined}
        onClick={() => open(true)}
      >
        {own.cancel}
      </Button>
      <Dialog title={own.cancelTitle} isOpen={isOpen} onClose={() => open(false)}>
        <p>{isInPlace ? own.cancelInPlace : own.cancelNew}</p>
        <div className="pager">
          <Button variant="default" data-autofocus onClick={() => open(false)}>
            {own.goOn}
          </Button>
          <Button
            color="red"
            loading={cancel.isPending}
            onClick={() =>
              cancel.mutate({ params: { restore_id: restore.id } }, { onSettled: () => open(false) })
            }
          >
            {own.cancelGo}
          </Button>
        </div>
      </Dialog>
    </div>
  );
}
