import { Button } from "@mantine/core";
import type { Workload } from "../../model/api-types.ts";
import { useChange } from "../reading.ts";
import { useSession, useWords } from "../surroundings.tsx";
import { Failure } from "./notes.tsx";

/** The buttons that take a snapshot of a workload; one that cannot be used says why. */
export function TakeSnapshot({ workload }: { readonly workload: Workload }) {
  const words = useWords();
  const { mayNot } = useSession();
  const take = useChange("POST /workloads/{workload_id}");
  const reason = mayNot.has("takeSnapshot")
    ? words.states.refused
    : workload.status === "available"
      ? undefined
      : words.workload.busy;
  const begin = (full: boolean): void =>
    take.mutate({
      params: { workload_id: workload.id },
      query: { full },
      body: { snapshot: {} },
    });
  return (
    <>
      <output className="hidden">{take.isSuccess ? words.workload.taken : ""}</output>
      <Button
        disabled={reason !== undefined}
        title={reason}
        loading={take.isPending}
        onClick={() => begin(false)}
      >
        {words.workload.takeSnapshot}
      </Button>
      <Button
        variant="default"
        disabled={reason !== undefined}
        title={reason}
        loading={take.isPending}
        onClick={() => begin(true)}
      >
        {words.workload.takeFull}
      </Button>
      {reason !== undefined && <p className="soft">{reason}</p>}
      {take.error !== null && <Failure of={take.error} />}
    </>
  );
}
