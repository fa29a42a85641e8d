import {
  type CapturedInstance,
  type RunResult,
  type SnapshotInstanceRecord,
  workloadPoint,
} from "@cairn/domain";

/** What a user reads about a run that did not succeed, with what could not be undone. */
export function failureMessage(
  result: Exclude<RunResult, { kind: "succeeded" }>,
  leftovers: readonly string[],
): string {
  const what = result.kind === "cancelled" ? "Cancelled by the user." : sentence(result.message);
  return [what, ...leftovers.map(sentence)].join(" ");
}

/** Several warnings as one text; `undefined` when there is none. */
export function warningMessage(warnings: readonly string[]): string | undefined {
  return warnings.length === 0 ? undefined : warnings.map(sentence).join(" ");
}

/** A message of ours begins in lower case and has no full stop; a user reads sentences. */
function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** What a snapshot of these instances lacks, in sentences. */
export function omissions(instances: readonly Pick<CapturedInstance, "name" | "omitted">[]): string[] {
  return instances.flatMap(({ name, omitted }) =>
    omitted.map(
      ({ device, because }) => `Disk ${device} of instance ${name} is not in this snapshot: ${because}.`,
    ),
  );
}

/** Says so when the instances of a workload were to have one point in time and have not. */
export function separations(
  instances: readonly Pick<SnapshotInstanceRecord, "name" | "barrier">[],
): string[] {
  const point = workloadPoint(instances);
  if (point?.kind !== "apart") return [];
  return [`The instances have points in time of their own in this snapshot: ${point.because}.`];
}
